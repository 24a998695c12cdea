/** Milliseconds. The limit on the pause doubles with each attempt, from the first to the maximum. */
const FIRST_MS = 500;
const MAX_MS = 30_000;

/**
 * Pauses between retries: exponential with full jitter, so that hundreds of exporters that lose the API server at the
 * same time do not retry at the same time.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  readonly #random: () => number;
  #attempts = 0;

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Pause before the next retry, in milliseconds. */
  next(): number {
    const bound = Math.min(MAX_MS, FIRST_MS * 2 ** this.#attempts);
    if (bound < MAX_MS) this.#attempts++;
    return this.#random() * bound;
  }

  /** Resets the pauses after a success. */
  reset(): void {
    this.#attempts = 0;
  }
}
