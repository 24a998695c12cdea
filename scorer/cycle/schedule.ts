export interface ScheduleOptions {
  readonly intervalMs: number;
  /** Time after each multiple of the interval at which its cycle starts, for rules and ingestion to be done. */
  readonly delayMs: number;
  /** A whole number of intervals since the epoch -> the cycle for it. Must not reject. */
  readonly cycle: (step: number) => Promise<void>;
  /** Called with how many multiples of the interval went by without their cycle. */
  readonly onSkip: (count: number) => void;
}

/**
 * Runs a cycle at each multiple of the interval. A cycle that overruns makes the next ones be skipped and
 * counted, never queued; so does a clock that jumps ahead. A clock that jumps back waits for a new step.
 */
export class Schedule {
  readonly #options: ScheduleOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #last: number | undefined;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    this.#wait();
  }

  /** Ends the schedule; resolves when the cycle under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wait(): void {
    if (this.#stopped) return;
    const { intervalMs, delayMs } = this.#options;
    const next = (this.#currentStep() + 1) * intervalMs + delayMs;
    this.#timer = setTimeout(() => {
      this.#running = this.#run().finally(() => this.#wait());
    }, next - Date.now());
  }

  #currentStep(): number {
    return Math.floor((Date.now() - this.#options.delayMs) / this.#options.intervalMs);
  }

  async #run(): Promise<void> {
    const step = this.#currentStep();
    // A timer may fire a millisecond early, and a clock may be set back: no step is run twice.
    if (this.#last !== undefined && step === this.#last) return;
    if (this.#last !== undefined && step > this.#last + 1) this.#options.onSkip(step - this.#last - 1);
    this.#last = step;
    await this.#options.cycle(step);
  }
}
