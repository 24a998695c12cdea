import { CHANNELS } from '../features/features.ts';
import { NEUTRAL } from '../tensor/tensor.ts';
import type { Reconstructor } from './reconstructor.ts';

/** A network that has memory to free. */
export interface ClosableReconstructor extends Reconstructor {
  close(): Promise<void>;
}

/**
 * Where the features of a model are in a longer list.
 *
 * @returns for each of the model's features its index in `names`; undefined if one isn't there
 */
export function placesOf(known: readonly string[], names: readonly string[]): readonly number[] | undefined {
  const places = known.map((name) => names.indexOf(name));
  return places.includes(-1) ? undefined : places;
}

/** Values by column of the model's own features, as columns of the longer list: NaN for features that it doesn't know. */
export function spreadColumns(values: readonly number[], places: readonly number[], features: number): number[] {
  const spread = Array.from({ length: CHANNELS.length * features }, () => NaN);
  for (const channel of CHANNELS.keys()) {
    for (const [at, place] of places.entries()) {
      spread[channel * features + place] = values[channel * places.length + at] ?? NaN;
    }
  }
  return spread;
}

/**
 * A model in windows with more features than it was trained on. What it doesn't know is expected at its usual value, so that
 * the deviation alone counts.
 */
export class KnownFeatures implements ClosableReconstructor {
  readonly #model: ClosableReconstructor;
  readonly #places: readonly number[];
  readonly #rowLength: number;

  /**
   * @param places of the model's features among all, as of `placesOf`
   * @param features number of all
   */
  constructor(model: ClosableReconstructor, places: readonly number[], features: number) {
    this.#model = model;
    this.#places = places;
    this.#rowLength = features;
  }

  async reconstruct(data: Float32Array, mask: Float32Array, count: number): Promise<Float32Array> {
    const own = await this.#model.reconstruct(this.#ownOf(data), this.#ownOf(mask), count);
    const expected = new Float32Array(data.length).fill(NEUTRAL);
    this.#eachValue(data.length, (from, to) => {
      expected[to] = own[from]!;
    });
    return expected;
  }

  async close(): Promise<void> {
    await this.#model.close();
  }

  #ownOf(values: Float32Array): Float32Array {
    const own = new Float32Array((values.length / this.#rowLength) * this.#places.length);
    this.#eachValue(values.length, (to, from) => {
      own[to] = values[from]!;
    });
    return own;
  }

  /** Calls `visit` with the index of each value in the model's windows, and in the longer ones of so many values. */
  #eachValue(length: number, visit: (own: number, all: number) => void): void {
    let own = 0;
    for (let row = 0; row < length; row += this.#rowLength) {
      for (const place of this.#places) visit(own++, row + place);
    }
  }
}
