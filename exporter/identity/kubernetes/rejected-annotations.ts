import type { Logger } from '../../../daemon/logger.ts';
import type { RejectedAnnotation } from './annotations.ts';

/** Tells of annotations that aren't what they should be: each once, as long as it stays as it is. */
export class RejectedAnnotations {
  readonly #logger: Logger;
  #known = new Set<string>();
  #total = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** How many there have been. */
  get total(): number {
    return this.#total;
  }

  /** `rejected` are all that there are now, by the object that has them, such as `pod shop/cart-0`. */
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
