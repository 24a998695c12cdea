import type { Logger } from '../../../../daemon/logger.ts';
import type { RejectedAnnotation } from './annotations.ts';

/** Logs invalid annotations, each once until it changes. */
export class RejectedAnnotations {
  readonly #logger: Logger;
  #known = new Set<string>();
  #total = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Number of invalid annotations since the start. */
  get total(): number {
    return this.#total;
  }

  /** `rejected` are all current ones, by object, such as `pod shop/cart-0`. */
  update(rejected: Iterable<readonly [object: string, annotation: RejectedAnnotation]>): void {
    const now = new Set<string>();
    for (const [object, { annotation, value, expected }] of rejected) {
      const key = [object, annotation, value].join('\0');
      now.add(key);
      if (this.#known.has(key)) continue;
      this.#total++;
      this.#logger.warn('invalid annotation ignored', { object, annotation, value, expected });
    }
    this.#known = now;
  }
}
