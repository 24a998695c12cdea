/** A position in a stream of random numbers. */
export interface RandomPosition {
  readonly state: number;
  /** The second number of the last pair of normal numbers, if it wasn't returned yet. */
  readonly spare: number | undefined;
}

/** A reproducible stream of random numbers: mulberry32, 32 bits of state, by Tommy Ettinger (public domain). */
export class Random {
  #state: number;
  #spare: number | undefined;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The current position, to resume the stream from. */
  get position(): RandomPosition {
    return { state: this.#state, spare: this.#spare };
  }

  set position({ state, spare }: RandomPosition) {
    this.#state = state;
    this.#spare = spare;
  }

  /** Uniform in 0 (included) to 1 (excluded). */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Normal with mean 0 and standard deviation 1, by Marsaglia's polar method. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * factor;
      return x * factor;
    }
  }

  /** Shuffles in place (Fisher and Yates). */
  shuffle(order: Uint32Array): void {
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(this.uniform() * (i + 1));
      const swapped = order[i]!;
      order[i] = order[j]!;
      order[j] = swapped;
    }
  }
}
