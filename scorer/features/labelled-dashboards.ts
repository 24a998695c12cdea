import { withLabels } from './labelled-expression.ts';
import { withMatchers } from './labelled-series.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/** Keys whose texts are PromQL, or a query of a variable with a selector in it. */
const QUERY_KEYS: ReadonlySet<string> = new Set(['expr', 'query']);

/**
 * A shipped dashboard for services with further labels: it has a variable for each, beside that of the namespace, and
 * selects and shows them wherever it does so with the namespace. Others stay as they are.
 */
export function labelledDashboard(dashboard: JsonObject, labels: readonly string[]): JsonObject {
  const { list = [] } = (dashboard['templating'] ?? {}) as { readonly list?: readonly JsonObject[] };
  const namespace = list.find(({ name }) => name === 'namespace');
  if (labels.length === 0 || namespace === undefined) return dashboard;
  const operator = namespace['multi'] === true ? '=~' : '=';
  const matchersOf = (some: readonly string[]) => some.map((label) => `${label}${operator}"$${label}"`).join(',');
  const labelled = labelledJson(dashboard, labels, matchersOf(labels)) as JsonObject;
  const variables = labels.map((label, index) => variableOf(namespace, label, matchersOf(labels.slice(0, index))));
  const { list: own = [] } = labelled['templating'] as { readonly list?: readonly JsonObject[] };
  const at = own.findIndex(({ name }) => name === 'namespace');
  return { ...labelled, templating: { list: [...own.slice(0, at), ...variables, ...own.slice(at)] } };
}

/** A variable like that of the namespace, which depends on those before it. */
function variableOf(namespace: JsonObject, label: string, matchers: string): JsonObject {
  const query = `label_values(service:lorikeet_feature:window${matchers === '' ? '' : `{${matchers}}`}, ${label})`;
  return { ...namespace, name: label, label, query: { query, refId: `variable-${label}` } };
}

function labelledJson(value: Json, labels: readonly string[], matchers: string, key = ''): Json {
  if (typeof value === 'string') {
    return QUERY_KEYS.has(key) ? labelledQuery(value, labels, matchers) : labelledText(value, labels);
  }
  if (Array.isArray(value)) return value.map((one: Json) => labelledJson(one, labels, matchers, key));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, labelledJson(one, labels, matchers, name)]);
  return Object.fromEntries(entries) as JsonObject;
}

function labelledQuery(query: string, labels: readonly string[], matchers: string): string {
  const quoted = labels.map((label) => `"${label}", `).join('');
  const selected = withLabels(withMatchers(query, matchers), labels)
    // Nodes of a graph are named by all labels.
    .replaceAll(/"\/", (?="(?:client_|server_)?namespace")/g, `"/", ${quoted}`);
  // A node that isn't from a series has the labels that are selected.
  return labels.reduce(
    (expr, label) => expr.replaceAll('vector(1)', `label_replace(vector(1), "${label}", "$${label}", "", "")`),
    selected,
  );
}

/** Legends, links and pictures. */
function labelledText(text: string, labels: readonly string[]): string {
  const legend = labels.map((label) => `{{${label}}}/`).join('');
  const link = labels.map((label) => `var-${label}=\${__data.fields.${label}}&`).join('');
  const shown = labels.map((label) => `$${label}/`).join('');
  const query = labels.map((label) => `${label}=\${${label}:percentencode}`).join('&');
  return text
    .replaceAll(/\{\{(?:server_|client_)?namespace\}\}\//g, (name) => legend + name)
    .replaceAll('var-namespace=${__data', `${link}var-namespace=\${__data`)
    .replaceAll(/(?<!tensors\/)\$namespace\/\$service/g, (name) => shown + name)
    .replaceAll(/(tensors\/\$namespace\/\$service\.png)/g, (path) => `${path}?${query}`);
}
