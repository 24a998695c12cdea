import type { Random } from '../../../../scorer/numeric/random.ts';

/** Draws of the parameters of a shop. */
export class Draws {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.random.uniform();
  }

  /** Between two positive numbers, each factor as likely as another. */
  byFactor(low: number, high: number): number {
    return low * (high / low) ** this.random.uniform();
  }

  /** A whole number, both ends included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.random.uniform() * (high - low + 1));
  }

  happens(share: number): boolean {
    return this.random.uniform() < share;
  }

  /** @throws Error if there is nothing to choose from */
  one<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.random.uniform() * items.length)];
    if (item === undefined) throw new Error('nothing to choose from');
    return item;
  }

  /** Up to `count` different ones, in random order. */
  some<Item>(items: readonly Item[], count: number): Item[] {
    return this.shuffled(items).slice(0, count);
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const order = Uint32Array.from(items.keys());
    this.random.shuffle(order);
    return Array.from(order, (index) => items[index]!);
  }
}
