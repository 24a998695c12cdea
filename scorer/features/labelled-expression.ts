/** A string or a comment of PromQL, or a list of labels after `by` or `on`. */
const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*|(?<![\w:.])(by|on)(\s*)\(([^()]*)\)/gi;
/** An aggregation that is followed by its operand instead of a list of labels, and a match that has none. */
const WHOLE =
  /"(?:[^"\\]|\\.)*"|`[^`]*`|(?<![\w:.])(sum|min|max|avg|group|count|topk|bottomk|quantile)\s*(?=\()|(?<![\w:.])on\s*\(\s*\)/g;

/** What joins features with their units, which are the same for all services. */
const UNITS_LIST = 'feature';

/**
 * `expr` with `labels` in front of each list of labels by which it aggregates (`by`) or joins (`on`), except those that
 * are empty or join with units, so that what it returns for a service stays apart by these labels.
 */
export function withLabels(expr: string, labels: readonly string[]): string {
  if (labels.length === 0) return expr;
  return expr.replaceAll(TOKEN, (token: string, keyword?: string, space = '', list = '') => {
    if (keyword === undefined || list.trim() === '') return token;
    if (keyword.toLowerCase() === 'on' && list.trim() === UNITS_LIST) return token;
    const listed = list.split(',').map((label: string) => label.trim());
    const added = labels.filter((label) => !listed.includes(label));
    return `${keyword}${space}(${[...added, list.trim()].join(', ')})`;
  });
}

/** As `withLabels`; besides, divides by `labels` what `expr` aggregates to one value, or joins with anything. */
export function dividedBy(expr: string, labels: readonly string[]): string {
  if (labels.length === 0) return expr;
  const list = labels.join(', ');
  const divided = expr.replaceAll(WHOLE, (token: string, aggregation?: string) => {
    if (aggregation !== undefined) return `${aggregation} by (${list}) `;
    return token.startsWith('on') ? `on (${list})` : token;
  });
  return withLabels(divided, labels);
}
