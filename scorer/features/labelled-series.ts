/**
 * Series about services in PromQL, with the opening brace of their matchers if they have any; texts in quotation marks, to
 * be skipped. The series of units are the same everywhere, and those of the programs' own health have no service.
 */
const SERIES =
  /"(?:[^"\\]|\\.)*"|(?<![\w:$.])(ALERTS|(?:anomaly|traces)_\w+|lorikeet_(?!exporter_|scorer_)\w+|(?:service|edge|pod|endpoint):[\w:]+)\b(\{)?/g;

/** `expr` with `matchers` in the selector of each series about services. */
export function withMatchers(expr: string, matchers: string): string {
  return expr.replaceAll(SERIES, (token: string, series: string | undefined, brace: string | undefined) => {
    if (series === undefined) return token;
    return brace === undefined ? `${series}{${matchers}}` : `${series}{${matchers},`;
  });
}
