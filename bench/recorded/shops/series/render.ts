import { samples } from '../../open-metrics.ts';
import type { StoredSeries } from './store.ts';

const BUCKET = 'lorikeet_request_duration_seconds_bucket';

/** When the scrapes were. */
export interface Scrapes {
  readonly fromMs: number;
  readonly intervalMs: number;
}

/** The series as OpenMetrics text, one after another. */
export function* render(series: readonly StoredSeries[], { fromMs, intervalMs }: Scrapes): Generator<string> {
  for (const { name, labels, first, values } of withoutIdleBuckets(series)) {
    const points = values.map((value, index) => [fromMs + (first + index) * intervalMs, value] as const);
    yield samples(name, labels, points);
  }
}

/**
 * Leaves out buckets that say nothing: below those that any request reached, all but the last one, and above them, all but the
 * first one and +Inf. Quantiles are the same without them.
 */
function* withoutIdleBuckets(series: readonly StoredSeries[]): Generator<StoredSeries> {
  for (let at = 0; at < series.length; at++) {
    if (series[at]!.name !== BUCKET) {
      yield series[at]!;
      continue;
    }
    const histogram: StoredSeries[] = [];
    // The buckets of a histogram stand together, from the lowest to +Inf.
    while (series[at]?.name === BUCKET) {
      histogram.push(series[at]!);
      if (series[at]!.labels['le'] === '+Inf') break;
      at++;
    }
    const totals = histogram.map(({ values }) => values.at(-1) ?? 0);
    const all = totals.at(-1) ?? 0;
    const lowest = totals.findLastIndex((total) => total === 0);
    const highest = totals.findIndex((total) => total === all);
    yield* histogram.filter((_, index) => (index >= lowest && index <= highest) || index === histogram.length - 1);
  }
}
