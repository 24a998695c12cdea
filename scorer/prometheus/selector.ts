/** A selector of series: their name and label matchers, each list as between braces, and empty ones left out. */
export function selectorOf(name: string, ...matchers: readonly string[]): string {
  const given = matchers.filter((text) => text !== '').join(',');
  return given === '' ? name : `${name}{${given}}`;
}

/** As `selectorOf`, of several names at once. */
export function selectorOfAll(names: readonly string[], ...matchers: readonly string[]): string {
  return selectorOf('', `__name__=~"${names.join('|')}"`, ...matchers);
}

/** Matchers for series that have these labels. */
export function equalTo(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',');
}

const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/.source;
const MATCHER = new RegExp(`\\s*([a-zA-Z_][a-zA-Z0-9_]*)\\s*(=~|!~|!=|=)\\s*(${STRING})\\s*`, 'y');

/**
 * The matchers in a selector without a name, `{cluster="a", environment=~"prod|stage"}`, as between its braces; undefined
 * if it isn't one.
 */
export function readMatchers(selector: string): string | undefined {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(selector)?.[1];
  if (inner === undefined) return undefined;
  const matchers: string[] = [];
  MATCHER.lastIndex = 0;
  for (;;) {
    const matched = MATCHER.exec(inner);
    const [, label, operator, value] = matched ?? [];
    if (label === undefined || label === '__name__') return undefined;
    matchers.push(`${label}${operator}${value}`);
    const at = MATCHER.lastIndex;
    if (at === inner.length) return matchers.join(',');
    if (inner[at] !== ',') return undefined;
    // A comma may follow the last one, as in PromQL.
    if (inner.slice(at + 1).trim() === '') return matchers.join(',');
    MATCHER.lastIndex = at + 1;
  }
}
