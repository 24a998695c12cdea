export interface ScheduleOptions {
  readonly intervalMs: number;
  /**
   * Time from each multiple of the interval to its cycle, for rules to be evaluated and samples ingested. It may be
   * longer than the interval, and may grow from cycle to cycle.
   */
  readonly delayMs: () => number;
  /** Runs the cycle of a step (intervals since the epoch). Must not reject. */
  readonly cycle: (step: number) => Promise<void>;
  /** Called with the number of steps that were skipped. */
  readonly onSkip: (count: number) => void;
}

/**
 * Runs a cycle at each multiple of the interval. While a cycle overruns, further cycles are skipped and counted, never
 * queued; the same after the clock jumps ahead. After it jumps back, the schedule waits for the next step.
 */
export class Schedule {
  readonly #options: ScheduleOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #last: { readonly step: number; readonly delayMs: number } | undefined;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    this.#wait();
  }

  /** Stops the schedule; resolves when the running cycle has finished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wait(): void {
    if (this.#stopped) return;
    const { intervalMs, delayMs } = this.#options;
    const next = (this.#currentStep() + 1) * intervalMs + delayMs();
    this.#timer = setTimeout(() => {
      this.#running = this.#run().finally(() => this.#wait());
    }, next - Date.now());
  }

  #currentStep(): number {
    return Math.floor((Date.now() - this.#options.delayMs()) / this.#options.intervalMs);
  }

  async #run(): Promise<void> {
    const step = this.#currentStep();
    const delayMs = this.#options.delayMs();
    if (this.#last !== undefined) {
      const ahead = step - this.#last.step;
      // A timer may fire a millisecond early, and a longer delay makes the current step an earlier one: no step runs
      // twice. A step that is further back is one of a clock that was set back.
      if (ahead <= 0 && -ahead <= (delayMs - this.#last.delayMs) / this.#options.intervalMs + 1) return;
      if (ahead > 1) this.#options.onSkip(ahead - 1);
    }
    this.#last = { step, delayMs };
    await this.#options.cycle(step);
  }
}
