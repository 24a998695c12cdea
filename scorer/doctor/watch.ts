import { setMaxListeners } from 'node:events';
import type { Counter } from 'prom-client';
import { createHttpClient, type HttpClient } from '../../daemon/http-client/client.ts';
import type { Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { type Examination, examine, type Report } from './examine.ts';
import { System } from './system.ts';

export interface ProblemWatchOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
  /** Milliseconds from the end of a step to its cycle, now. */
  readonly delayMs: () => number;
}

/** Time between two examinations while nothing is wrong. Each makes about twenty small requests. */
const MIN_PERIOD_MS = 5 * 60_000;
const MIN_PERIOD_CYCLES = 5;

/**
 * Runs the checks of `lorikeet-scorer doctor` beside a running scorer. A problem is logged when it begins, when it
 * changes and when it ends, unless the cycles log it themselves, is exported as `lorikeet_scorer_problem`, and makes the scorer not ready if it is an error.
 */
export class ProblemWatch {
  readonly #options: ProblemWatchOptions;
  readonly #http: HttpClient;
  readonly #known = new Map<string, string>();
  readonly #stopped = new AbortController();
  #errors: readonly Report[] = [];
  #dueMs = 0;
  /** Failed queries and writes up to the last call. */
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(options: ProblemWatchOptions) {
    this.#options = options;
    const { prometheus } = options.config;
    setMaxListeners(0, this.#stopped.signal);
    this.#http = createHttpClient(prometheus, { timeoutMs: prometheus.timeout });
  }

  /** `true`, or the first error of the last examination. */
  get ready(): true | string {
    const [first, ...more] = this.#errors;
    if (first === undefined) return true;
    const others = more.length === 0 ? '' : ` (and ${more.length} more: run lorikeet-scorer doctor)`;
    return `${first.check}: ${first.message}; ${first.remedy ?? ''}${others}`;
  }

  /**
   * Examines the system in the background if that is due, or if a query or a write has failed since. Called each cycle;
   * never rejects.
   */
  consider(): void {
    if (this.#stopped.signal.aborted || this.#running !== undefined) return;
    this.#running = this.#examineIfDue().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when the current examination has ended. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#http.close();
    await this.#running;
  }

  async #examineIfDue(): Promise<void> {
    const { queryFailures, writeFailures } = this.#options.metrics;
    const failures = (await total(queryFailures)) + (await total(writeFailures));
    const failed = failures > this.#failures;
    this.#failures = failures;
    if (failed || performance.now() >= this.#dueMs) await this.#examine();
  }

  async #examine(): Promise<void> {
    const { config, set, delayMs } = this.#options;
    this.#dueMs = performance.now() + Math.max(MIN_PERIOD_MS, MIN_PERIOD_CYCLES * config.interval);
    const { signal } = this.#stopped;
    const system = new System({ config, set, http: this.#http, delayMs: delayMs(), signal });
    const found = await examine(system, { running: true });
    // What `stop` interrupted says nothing.
    if (this.#stopped.signal.aborted) return;
    this.#errors = found.findings.filter(({ status }) => status === 'error');
    // Errors end in the next cycle after they are fixed.
    if (this.#errors.length > 0) this.#dueMs = 0;
    this.#publish(found);
  }

  #publish({ findings, skipped }: Examination): void {
    const { logger, metrics } = this.#options;
    const problems = findings.filter(({ status }) => status !== 'ok');
    metrics.problem.reset();
    for (const { check, status } of problems) metrics.problem.set({ check, severity: status }, 1);
    const current = new Set<string>();
    for (const problem of problems) {
      const { check, status, message, remedy, isLogged } = problem;
      if (isLogged === true) continue;
      const key = keyOf(problem);
      current.add(key);
      if (this.#known.has(key)) continue;
      this.#known.set(key, check);
      logger[status === 'error' ? 'error' : 'warn']('problem found', { check, reason: message, remedy });
    }
    for (const [key, check] of this.#known) {
      // A check that was left out has found nothing new.
      if (current.has(key) || skipped.includes(check)) continue;
      this.#known.delete(key);
      if (!problems.some((problem) => problem.check === check)) logger.info('problem solved', { check });
    }
  }
}

/** The sum of a counter over its labels. */
async function total(counter: Counter): Promise<number> {
  return (await counter.get()).values.reduce((sum, { value }) => sum + value, 0);
}

/** The same for the same problem, whatever the figures in its message. */
function keyOf({ check, status, message }: Report): string {
  return `${check} ${status} ${message.replaceAll(/\d+/g, '#')}`;
}
