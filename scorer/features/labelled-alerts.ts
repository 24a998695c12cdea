import { dump, load } from 'js-yaml';
import { dividedBy, withLabels } from './labelled-expression.ts';
import { withMatchers } from './labelled-series.ts';

interface AlertingRule {
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}
interface AlertFile {
  readonly groups: readonly { readonly rules: readonly AlertingRule[] }[];
}

/** A query of a template: a constant one, or a format with its arguments. */
const QUERY = /\b(query|printf)\s+("(?:[^"\\]|\\.)*"|`[^`]*`)((?:\s+(?:"(?:[^"\\]|\\.)*"|\$?[\w.$]+))*)/g;
const ARGUMENT = /"(?:[^"\\]|\\.)*"|\$?[\w.$]+/g;
const VERB = /%[a-z.\d]*[a-z]|%%/g;

/** Alerting rules that keep services apart by further labels, and name these in their annotations. */
export function renderLabelledAlerts(shipped: string, labels: readonly string[]): string {
  if (labels.length === 0) return shipped;
  const { groups } = load(shipped) as AlertFile;
  const divided = groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => {
      const texts = Object.entries(rule.annotations).map(([name, text]) => [name, labelledText(text, labels)]);
      return { ...rule, expr: dividedBy(rule.expr, labels), annotations: Object.fromEntries(texts) as object };
    }),
  }));
  const header = `# Rendered for services with the labels ${labels.join(', ')} by \`lorikeet-scorer rules\`.\n`;
  return header + dump({ groups: divided }, { lineWidth: -1, noRefs: true });
}

function labelledText(text: string, labels: readonly string[]): string {
  const queries = text.replaceAll(QUERY, (_, kind: string, quoted: string, list: string) =>
    labelledQuery(kind, quoted, [...(list.match(ARGUMENT) ?? [])], labels),
  );
  const names = queries.replaceAll(/\{\{ (\$\w+\.Labels|\$labels|\.Labels)\.namespace \}\}\//g, (name, of: string) => {
    const further = labels.map((label) => `{{ with ${of}.${label} }}{{ . }}/{{ end }}`);
    return further.join('') + name;
  });
  return labelledLink(names, labels);
}

/** A query of the alert's own place: each series has the matchers of its labels. */
function labelledQuery(kind: string, quoted: string, given: readonly string[], labels: readonly string[]): string {
  const [quote, format] = [quoted[0] ?? '', quoted.slice(1, -1)];
  const escaped = kind === 'query' ? format.replaceAll('%', '%%') : format;
  const rest = [...given];
  const inserted: string[] = [];
  let at = 0;
  const takeUntil = (end: number) => {
    const verbs = escaped.slice(at, end).match(VERB) ?? [];
    inserted.push(...rest.splice(0, verbs.filter((verb) => verb !== '%%').length));
    at = end;
  };
  const matchers = labels.map((label) => `${label}=%q`).join(',');
  const query = withMatchers(escaped, matchers, (index) => {
    takeUntil(index);
    inserted.push(...labels.map((label) => `$labels.${label}`));
  });
  // Other texts are formatted, too.
  if (kind === 'printf' && query === format) return [kind, quoted, ...given].join(' ');
  takeUntil(escaped.length);
  const formatted = `printf ${quote}${withLabels(query, labels)}${quote} ${inserted.join(' ')}`;
  return kind === 'query' ? `${formatted} | query` : formatted;
}

/** Links to dashboards select the labels. */
function labelledLink(text: string, labels: readonly string[]): string {
  const variables = labels.map((label) => `var-${label}={{ $labels.${label} }}`).join('&');
  return text.replace(/^(\/d\/lorikeet-[a-z]+)(\?)?/, (_, path: string, query?: string) =>
    query === undefined ? `${path}?${variables}` : `${path}?${variables}&`,
  );
}
