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

/** A query of a template: a constant one, or a format, whose arguments follow. */
const QUERY = /\b(query|printf)\s+("(?:[^"\\]|\\.)*"|`[^`]*`)/g;
/** A verb of a format, in which `[2]` says which argument it formats. */
const VERB = /%([-+# .\d]*)(?:\[(\d+)\])?([a-zA-Z%])/g;

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
  const queries = text.replaceAll(QUERY, (_, kind: string, quoted: string) => labelledQuery(kind, quoted, labels));
  const names = queries.replaceAll(/\{\{ (\$\w+\.Labels|\$labels|\.Labels)\.namespace \}\}\//g, (name, of: string) => {
    const further = labels.map((label) => `{{ with ${of}.${label} }}{{ . }}/{{ end }}`);
    return further.join('') + name;
  });
  return labelledLink(names, labels);
}

/**
 * A query of the alert's own place: each series has the matchers of its labels. Their values are the first arguments of
 * the format, whose verbs therefore say which argument they are for.
 */
function labelledQuery(kind: string, quoted: string, labels: readonly string[]): string {
  const [quote, text] = [quoted[0] ?? '', quoted.slice(1, -1)];
  const format = kind === 'query' ? text.replaceAll('%', '%%') : shiftedVerbs(text, labels.length);
  const query = withMatchers(format, labels.map((label, index) => `${label}=%[${index + 1}]q`).join(','));
  // Other texts are formatted, too.
  if (query === format && kind === 'printf') return `${kind} ${quoted}`;
  const values = labels.map((label) => `$labels.${label}`).join(' ');
  const formatted = `printf ${quote}${withLabels(query, labels)}${quote} ${values}`;
  return kind === 'query' ? `${formatted} | query` : formatted;
}

/** A format whose verbs say which argument they are for, with `count` arguments in front of its own. */
function shiftedVerbs(format: string, count: number): string {
  let last = 0;
  return format.replaceAll(VERB, (token: string, flags: string, index: string | undefined, verb: string) => {
    if (verb === '%') return token;
    last = index === undefined ? last + 1 : Number(index);
    return `%${flags}[${last + count}]${verb}`;
  });
}

/** Links to dashboards select the labels. */
function labelledLink(text: string, labels: readonly string[]): string {
  const variables = labels.map((label) => `var-${label}={{ $labels.${label} }}`).join('&');
  return text.replace(/^(\/d\/lorikeet-[a-z]+)(\?)?/, (_, path: string, query?: string) =>
    query === undefined ? `${path}?${variables}` : `${path}?${variables}&`,
  );
}
