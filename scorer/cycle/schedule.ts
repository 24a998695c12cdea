import { setTimeout as sleep } from 'node:timers/promises';

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
 * queued; the same after the clock jumps ahead. After it jumps back, the schedule waits for the next step. It can be
 * started again after it was stopped.
 */
export class Schedule {
  readonly #options: ScheduleOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = true;
  #last: { readonly step: number; readonly delayMs: number } | undefined;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** A cycle that is still running since `stop` is waited for. */
  start(): void {
    this.#stopped = false;
    if (this.#running === undefined) this.#wait();
  }

  /** Stops the schedule; resolves when the running cycle has finished, or after `waitMs`. Default: however long. */
  async stop(waitMs?: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const waited = waitMs === undefined ? [] : [sleep(waitMs, undefined, { ref: false })];
    await Promise.race([this.#running, ...waited]);
  }

  #wait(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const { intervalMs, delayMs } = this.#options;
    const due = this.#currentStep() + 1;
    this.#timer = setTimeout(
      () => {
        this.#running = this.#run(due).finally(() => {
          this.#running = undefined;
          this.#wait();
        });
      },
      due * intervalMs + delayMs() - Date.now(),
    );
  }

  #currentStep(): number {
    return Math.floor((Date.now() - this.#options.delayMs()) / this.#options.intervalMs);
  }

  async #run(due: number): Promise<void> {
    const step = this.#currentStep();
    const delayMs = this.#options.delayMs();
    // Before the first step there is none to compare with.
    if (this.#last === undefined && step === due - 1) return;
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
