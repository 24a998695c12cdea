/**
 * Series about services in PromQL, with the opening brace of their matchers if they have any; texts in quotation marks, to
 * be skipped. The series of units are the same everywhere, and those of the programs' own health have no service.
 */
const SERIES =
  /"(?:[^"\\]|\\.)*"|(?<![\w:$.])(ALERTS|(?:anomaly|traces)_\w+|lorikeet_(?!exporter_|scorer_)\w+|(?:service|edge|pod|endpoint):[\w:]+)\b(\{)?/g;

/** `expr` with `matchers` in the selector of each series about services; `onSeries` is called with the place of each. */
export function withMatchers(expr: string, matchers: string, onSeries?: (index: number) => void): string {
  return expr.replaceAll(SERIES, (token: string, series: string | undefined, brace: string | undefined, at: number) => {
    if (series === undefined) return token;
    onSeries?.(at);
    return brace === undefined ? `${series}{${matchers}}` : `${series}{${matchers},`;
  });
}
