import type { SeriesSample } from './sample.ts';

/** Knows what the receiver accepted last of each series, so that nothing older is sent after it. */
export class SeriesOrder {
  readonly #accepted = new Map<string, number>();

  /** Whether the sample is newer than all that was accepted of its series. */
  allows({ key, sample }: SeriesSample): boolean {
    return sample.timestampMs > (this.#accepted.get(key) ?? Number.NEGATIVE_INFINITY);
  }

  accept(samples: readonly SeriesSample[]): void {
    for (const one of samples) if (this.allows(one)) this.#accepted.set(one.key, one.sample.timestampMs);
  }

  /** Forgets series whose last sample is older than `timeMs`; the caller sends nothing older than that. */
  forgetBefore(timeMs: number): void {
    for (const [key, acceptedMs] of this.#accepted) if (acceptedMs < timeMs) this.#accepted.delete(key);
  }

  get size(): number {
    return this.#accepted.size;
  }
}
