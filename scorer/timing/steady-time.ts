import { MAX_DELAY_MS } from './feature-delay.ts';

/** Readings that differ by less from the steady time follow a clock that drifts or is slewed. Milliseconds. */
const TOLERANCE_MS = 60_000;
/** A clock that was set is believed once it has stayed there for this time, in milliseconds. */
const HOLD_MS = 300_000;

/**
 * The time by the store's clock, kept by a clock that is never set. When a clock is set an hour ahead and back, what was
 * written in between would make everything out of order for an hour. So a reading that leaps is not believed at once.
 */
export class SteadyTime {
  /** The last reading that was believed. */
  #anchor: { readonly clockMs: number; readonly steadyMs: number } | undefined;
  /** Since when readings differ, by the steady clock. */
  #differsSinceMs: number | undefined;

  /** False before the first reading. */
  get isKnown(): boolean {
    return this.#anchor !== undefined;
  }

  /**
   * @param clockMs the store's clock, milliseconds since the epoch
   * @param steadyMs performance.now() at that time
   */
  observe(clockMs: number, steadyMs: number): void {
    const expectedMs = this.#at(steadyMs);
    if (expectedMs !== undefined && Math.abs(clockMs - expectedMs) > TOLERANCE_MS) {
      this.#differsSinceMs ??= steadyMs;
      if (steadyMs - this.#differsSinceMs < HOLD_MS) return;
    }
    this.#differsSinceMs = undefined;
    this.#anchor = { clockMs, steadyMs };
  }

  /**
   * True if `timeMs` is in the future by more than the delay of cycles can grow, which makes up for a clock that is always
   * ahead. False before the first reading.
   */
  isAhead(timeMs: number, steadyMs: number): boolean {
    const nowMs = this.#at(steadyMs);
    return nowMs !== undefined && timeMs > nowMs + MAX_DELAY_MS;
  }

  #at(steadyMs: number): number | undefined {
    return this.#anchor && this.#anchor.clockMs + steadyMs - this.#anchor.steadyMs;
  }
}
