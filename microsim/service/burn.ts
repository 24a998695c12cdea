let sink = 0;

/** Burns `milliseconds` of this process' CPU time, not wall-clock time: on a busy machine it takes longer. */
export function burn(milliseconds: number): void {
  if (milliseconds <= 0) return;
  const began = process.cpuUsage();
  const enough = milliseconds * 1000;
  for (;;) {
    // About 20 microseconds between two reads of the CPU time, which take about one.
    for (let step = 0; step < 4000; step += 1) sink = (sink * 31 + step) % 1_000_003;
    const used = process.cpuUsage(began);
    if (used.user + used.system >= enough) return;
  }
}

const PERIOD_MS = 25;

/**
 * Burns at most a share of one core: a token bucket of CPU time, used by requests first and by a timer
 * for the rest. A service under load slows down, but never uses more CPU than its share.
 */
export class CpuHog {
  readonly #share: number;
  readonly #work: number;
  readonly #timer: NodeJS.Timeout;
  #tokens = 0;
  #refilled = performance.now();

  /**
   * @param share of one core, 0..1.
   * @param work milliseconds to burn in each request, limited by the share.
   */
  constructor(share: number, work: number) {
    this.#share = share;
    this.#work = work;
    this.#timer = setInterval(() => this.#fill(), PERIOD_MS);
  }

  /** Burns the CPU time of one request. */
  request(): void {
    this.#refill();
    this.#spend(Math.min(this.#work, this.#tokens));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Burns the rest of the share, but reserves the work of one request. */
  #fill(): void {
    this.#refill();
    this.#spend(Math.min(this.#tokens - this.#work, PERIOD_MS * this.#share));
  }

  #spend(milliseconds: number): void {
    if (milliseconds <= 0) return;
    this.#tokens -= milliseconds;
    burn(milliseconds);
  }

  #refill(): void {
    const now = performance.now();
    this.#tokens = Math.min(4 * PERIOD_MS + this.#work, this.#tokens + (now - this.#refilled) * this.#share);
    this.#refilled = now;
  }
}
