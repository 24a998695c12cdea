import type { Logger } from '../../../../daemon/logger.ts';
import type { RejectedAnnotation } from './annotations.ts';

/** Lines per period: who may change a pod may change its annotations all the time. */
const MAX_LINES = 20;
const PERIOD_MS = 60_000;

/** Logs invalid annotations, each once until it changes, up to 20 a minute. */
export class RejectedAnnotations {
  readonly #logger: Logger;
  #known = new Set<string>();
  #total = 0;
  #period = { startedMs: -Infinity, lines: 0 };
  #unlogged = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Number of invalid annotations since the start. */
  get total(): number {
    return this.#total;
  }

  /**
   * @param rejected all current ones, by object, such as `pod shop/cart-0`
   * @param nowMs of a clock that is not set, such as performance.now()
   */
  update(rejected: Iterable<readonly [object: string, annotation: RejectedAnnotation]>, nowMs: number): void {
    const now = new Set<string>();
    if (nowMs - this.#period.startedMs >= PERIOD_MS) this.#begin(nowMs);
    for (const [object, { annotation, value, expected }] of rejected) {
      const key = [object, annotation, value].join('\0');
      now.add(key);
      if (this.#known.has(key)) continue;
      this.#total++;
      if (this.#period.lines++ < MAX_LINES) {
        this.#logger.warn('invalid annotation ignored', { object, annotation, value, expected });
      } else this.#unlogged++;
    }
    this.#known = now;
  }

  #begin(nowMs: number): void {
    if (this.#unlogged > 0) this.#logger.warn('more invalid annotations ignored', { annotations: this.#unlogged });
    this.#unlogged = 0;
    this.#period = { startedMs: nowMs, lines: 0 };
  }
}
