import type { SeriesSample } from './sample.ts';

/** Tracks the newest accepted sample of each series, so that no older one is sent after it. */
export class SeriesOrder {
  readonly #accepted = new Map<string, number>();

  /** True if the sample is newer than all accepted ones of its series. */
  allows({ key, sample }: SeriesSample): boolean {
    return sample.timestampMs > (this.#accepted.get(key) ?? Number.NEGATIVE_INFINITY);
  }

  accept(samples: readonly SeriesSample[]): void {
    for (const one of samples) if (this.allows(one)) this.#accepted.set(one.key, one.sample.timestampMs);
  }

  /** Removes series whose newest sample is older than `timeMs`; the caller must not send samples older than that. */
  forgetBefore(timeMs: number): void {
    for (const [key, acceptedMs] of this.#accepted) if (acceptedMs < timeMs) this.#accepted.delete(key);
  }

  get size(): number {
    return this.#accepted.size;
  }
}
