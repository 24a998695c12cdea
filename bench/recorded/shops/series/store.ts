import type { Labels } from '../../../../daemon/labels.ts';

/** A series with its samples at consecutive scrapes. */
export interface StoredSeries {
  readonly name: string;
  readonly labels: Labels;
  /** Index of the first scrape. */
  readonly first: number;
  readonly values: readonly number[];
}

interface Growing extends StoredSeries {
  readonly values: number[];
  readonly read: () => number;
}

/** What a Prometheus has scraped from targets that come and go. */
export class Store {
  readonly #series: Growing[] = [];
  readonly #live = new Set<Growing>();
  #scrapes = 0;

  /** Adds a series, read at each scrape from the next one on. @returns a function that ends it */
  add(name: string, labels: Labels, read: () => number): () => void {
    const series: Growing = { name, labels, first: this.#scrapes, values: [], read };
    this.#series.push(series);
    this.#live.add(series);
    return () => void this.#live.delete(series);
  }

  scrape(): void {
    for (const { values, read } of this.#live) values.push(Math.round(read() * 1e6) / 1e6);
    this.#scrapes++;
  }

  get series(): readonly StoredSeries[] {
    return this.#series;
  }
}
