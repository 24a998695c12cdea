import type { TrafficStats } from '../protocol/status.ts';

const WINDOW_SECONDS = 10;

/** Counts requests and their durations, in total and over the last 10 whole seconds. Needs no timer. */
export class Traffic {
  readonly #now: () => number;
  readonly #began: number;
  readonly #slots = Array.from({ length: WINDOW_SECONDS + 1 }, () => ({ second: -1, requests: 0, seconds: 0 }));
  #requests = 0;
  #failures = 0;
  #seconds = 0;

  /** @param now a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#began = now();
  }

  record(milliseconds: number, failed: boolean): void {
    const seconds = milliseconds / 1000;
    this.#requests += 1;
    this.#failures += failed ? 1 : 0;
    this.#seconds += seconds;
    const second = Math.floor(this.#now() / 1000);
    const slot = this.#slots[second % this.#slots.length]!;
    if (slot.second !== second) Object.assign(slot, { second, requests: 0, seconds: 0 });
    slot.requests += 1;
    slot.seconds += seconds;
  }

  stats(): TrafficStats {
    const second = Math.floor(this.#now() / 1000);
    const recent = this.#slots.filter((slot) => slot.second < second && slot.second >= second - WINDOW_SECONDS);
    const requests = recent.reduce((sum, slot) => sum + slot.requests, 0);
    const seconds = recent.reduce((sum, slot) => sum + slot.seconds, 0);
    const window = Math.min(WINDOW_SECONDS, Math.max(1, second - Math.floor(this.#began / 1000)));
    return {
      requests: this.#requests,
      failures: this.#failures,
      seconds: this.#seconds,
      rate: requests / window,
      latency_ms: requests === 0 ? 0 : (1000 * seconds) / requests,
    };
  }
}
