import type { Registry } from 'prom-client';
import type { ScrapeView } from './first-scrapes.ts';

export type FamilyType = 'counter' | 'gauge' | 'histogram';

/**
 * The constant part of a sample's line, `name{labels} `, rendered once. UTF-8 bytes as a latin1 string, the fastest
 * form to copy into a buffer.
 */
export type Series = string & { readonly __series: unique symbol };

/** The series `name` with labels rendered by `renderLabels`; several renderings may be given. */
export function series(name: string, ...labels: readonly string[]): Series {
  const text = labels.filter((part) => part !== '').join(',');
  return Buffer.from(text === '' ? `${name} ` : `${name}{${text}} `).toString('latin1') as Series;
}

/** A value in Prometheus' format, in the shortest form that parses to the same number. */
export function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

/** Formats like Go, so that `le` values match those of Go programs: exponent below 1e-4, with at least two digits. */
export function formatBound(value: number): string {
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
  return formatValue(value);
}

/** The series of a histogram. */
export interface HistogramSeries {
  readonly buckets: readonly Series[];
  readonly sum: Series;
  readonly count: Series;
}

/** The metrics of prom-client, as its Registry renders them. */
export type OwnMetrics = Pick<Registry, 'metrics' | 'getMetricsAsJSON'>;

/** A position in an exposition. */
export interface Mark {
  readonly length: number;
  readonly count: number;
  readonly families: number;
}

/** Durations in kernel maps are in nanoseconds. */
export const NANOSECONDS = 1e9;

/**
 * A response to a scrape, in one of the formats. The samples of a family must be contiguous: call `family` once, then
 * `sample` or `histogram` for each of its metrics. A family without samples writes nothing.
 */
export interface Exposition {
  /** Number of samples so far. */
  readonly count: number;
  readonly contentType: string;
  /** What this response shows of the counts. */
  readonly view: ScrapeView;
  /**
   * `name` is the name of the samples.
   *
   * @throws Error if the family was already started.
   */
  family(name: string, type: FamilyType, help: string): void;
  sample(line: Series, value: number): void;
  /** The histogram that starts at word `offset`, in the layout of `struct histogram`. */
  histogram(lines: HistogramSeries, words: Float64Array, offset: number): void;
  append(metrics: OwnMetrics): Promise<void>;
  /** Ends the response. */
  end(): void;
  mark(): Mark;
  /** Discards everything written since `mark`. */
  rollback(mark: Mark): void;
  /** The response so far. Valid until the next one begins. */
  bytes(): Buffer;
}
