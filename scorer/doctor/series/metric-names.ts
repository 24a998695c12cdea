/** Keywords of PromQL that stand where a metric name could. */
const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'start', 'end', 'inf', 'nan', 'atan2']);

/**
 * The names of the metrics that a PromQL expression reads, in order of appearance. Names in `{__name__=...}` are not
 * found.
 */
export function metricNames(expr: string): string[] {
  const bare = expr
    .replaceAll(/#[^\n]*/g, ' ')
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, ' ')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/gi, ' ')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\b/gi, ' ');
  const found = [...bare.matchAll(/(?<![\w:.])[a-zA-Z_:][\w:]*(?![\w:])(?!\s*\()/g)].map(([name]) => name);
  return [...new Set(found.filter((name) => !KEYWORDS.has(name.toLowerCase())))];
}

/** The name of the histogram that a series of a classic one belongs to, under which a native one is stored. */
export function nativeName(name: string): string {
  return name.replace(/_(?:sum|count|bucket)$/, '');
}
