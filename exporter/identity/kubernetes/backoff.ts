/** The first pause is shorter than this, each further one at most twice as long, none longer than the greatest. */
const FIRST_MS = 500;
const GREATEST_MS = 30_000;

/**
 * Pauses between attempts: exponential with full jitter, so that the exporters of hundreds of nodes that lost the API
 * server at the same moment don't come back at the same moment.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  readonly #random: () => number;
  #attempts = 0;

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** How long to wait before the next attempt, in milliseconds. */
  next(): number {
    const bound = Math.min(GREATEST_MS, FIRST_MS * 2 ** this.#attempts);
    if (bound < GREATEST_MS) this.#attempts++;
    return this.#random() * bound;
  }

  /** All is well again. */
  reset(): void {
    this.#attempts = 0;
  }
}
