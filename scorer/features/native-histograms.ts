/** The histograms that rules read: classic ones, or native ones and, where there are none, classic ones. */
export const HISTOGRAM_FORMS = ['classic', 'native'] as const;
export type HistogramForm = (typeof HISTOGRAM_FORMS)[number];

/**
 * The largest finite bound of the exporter's histograms, seconds. A quantile beyond is this bound if the histogram is
 * classic, and +Inf if it is native.
 */
const LARGEST_BOUND = 32;

/** The selector of a histogram's sum or count, and of its buckets. */
const PART = /\brate\(([a-zA-Z_:]\w*)_(sum|count)((?:\{[^}]*\})?\[[^\]]+\])\)/g;
const QUANTILE =
  /\bhistogram_quantile\(([^,()]+), sum by \(([^()]*)\) \(rate\(([a-zA-Z_:]\w*)_bucket((?:\{[^}]*\})?\[[^\]]+\])\)\)\)/g;

/**
 * `expr` for either form of its histograms. It must read them by `rate(x_sum[w])`, `rate(x_count[w])` and
 * `histogram_quantile(q, sum by (le, ...) (rate(x_bucket[w])))`; anything else stays.
 */
export function readsNative(expr: string): string {
  return expr
    .replaceAll(QUANTILE, (classic: string, share: string, by: string, name: string, selector: string) => {
      const labels = by.split(',').map((label) => label.trim());
      const others = labels.filter((label) => label !== 'le').join(', ');
      const native = `histogram_quantile(${share}, sum by (${others}) (rate(${name}${selector})))`;
      return `(${classic} or clamp_max(${native}, ${LARGEST_BOUND}))`;
    })
    .replaceAll(
      PART,
      (classic: string, name: string, part: string, selector: string) =>
        `(${classic} or histogram_${part}(rate(${name}${selector})))`,
    );
}
