import { EDGE_SERIES, SERVICE_SERIES, UNIT_SERIES, type Unit } from '../scorer/features/features.ts';
import { GRAPH_EDGE_SERIES, MAX_NODES, NODE_SERIES, ONSET_SERIES } from '../scorer/features/graph-rules.ts';

/** Matchers for the service selected on the service dashboard. */
export const SERVICE = 'namespace="$namespace", service="$service"';
/** Matcher for the detector selected on the dashboards of services. */
export const DETECTED = 'detector="$detector"';
/** Limit on the rows of a table. */
export const MAX_ROWS = 50;

const NAME = 'namespace, service';
const CLIENT = ['client_namespace', 'client_service'] as const;
const SERVER = ['server_namespace', 'server_service'] as const;
const ENDS = [...CLIENT, ...SERVER].join(', ');
type Name = readonly [namespace: string, service: string];

const SCORE = `max by (${NAME}) (anomaly_score{${DETECTED}})`;

/**
 * Number of services that have a score, among those that `matchers` select. Counts the scores in Prometheus: the
 * scorers' own metrics continue when a write fails, and count a service twice when two scorers score it.
 */
export const countScored = (matchers = ''): string =>
  `count(group by (${NAME}) (anomaly_score{${matchers}})) or vector(0)`;

/** Anomalous services of the selected namespaces, highest scores first, limited to the rows of a table. */
export const ANOMALOUS = `topk(${MAX_ROWS}, max by (${NAME}) (anomaly_score{namespace=~"$namespace", ${DETECTED}} > 1))`;

/** `expr` for the services in the table of anomalies only. */
export const ofAnomalous = (expr: string): string => `${expr} and on (${NAME}) ${ANOMALOUS}`;

/** Number of detectors that find a service anomalous, of the selected namespaces. What they agree on is none of them. */
const FOUND = `topk(${MAX_ROWS}, count by (${NAME}) (max by (${NAME}, detector) (anomaly_score{namespace=~"$namespace", detector!="agreement"} > 1)))`;

/** Columns of the services that any detector finds anomalous: how many do, and the score by each. */
export function agreementColumns(detectors: readonly string[]): { readonly header: string; readonly expr: string }[] {
  const scored = (name: string) => `max by (${NAME}) (anomaly_score{namespace=~"$namespace", detector="${name}"})`;
  return [
    { header: 'Above 1', expr: FOUND },
    ...detectors.map((name) => ({ header: name, expr: `${scored(name)} and on (${NAME}) ${FOUND}` })),
  ];
}

/** Milliseconds, Grafana's unit of timestamps. */
export const ONSET_MS = `1000 * ${ONSET_SERIES}`;

/** A query for each of the two frames of a node graph. */
export interface GraphQueries {
  readonly nodes: string;
  readonly edges: string;
}

/** The most relevant services of the selected namespaces, and the calls between them. */
export function fleetGraph(): GraphQueries {
  const nodes = `(${NODE_SERIES}{namespace=~"$namespace"} or on () ${placeholder()})`;
  return { nodes: decorate(nodes), edges: connect(GRAPH_EDGE_SERIES, nodes) };
}

/** The selected service, its callers and its callees. */
export function neighbourGraph(): GraphQueries {
  const calls = (matchers: string) => `max by (${ENDS}) (${EDGE_SERIES}{feature="request_rate", ${matchers}})`;
  const outgoing = calls('client_namespace="$namespace", client_service="$service"');
  const incoming = calls('server_namespace="$namespace", server_service="$service"');
  // The service itself is a node even without calls, so the graph is never empty.
  const itself = `label_replace(label_replace(vector(1), "namespace", "$namespace", "", ""), "service", "$service", "", "")`;
  const neighbours = `group by (${NAME}) (${rename(outgoing, SERVER)} or ${rename(incoming, CLIENT)})`;
  const titled = `label_replace(label_replace(2 * ${itself} or topk(${MAX_NODES - 1}, ${neighbours}), "title", "$1", "service", "(.*)"), "subtitle", "$1", "namespace", "(.*)")`;
  const nodes = `label_join(${titled}, "id", "/", "namespace", "service")`;
  const source = `label_join(${outgoing} or ${incoming}, "source", "/", "${CLIENT.join('", "')}")`;
  const target = `label_join(${source}, "target", "/", "${SERVER.join('", "')}")`;
  return { nodes: decorate(nodes), edges: connect(`label_join(${target}, "id", " ", "source", "target")`, nodes) };
}

function placeholder(): string {
  return `label_replace(label_replace(vector(0), "id", "none", "", ""), "title", "no services", "", "")`;
}

/** `expr` with the names at one end of a call copied to `namespace` and `service`. */
function rename(expr: string, [namespace, service]: Name): string {
  return `label_replace(label_replace(${expr}, "namespace", "$1", "${namespace}", "(.*)"), "service", "$1", "${service}", "(.*)")`;
}

/**
 * Fills the ring of a node from a score of 0.5 (empty) over 1 (half) to 1.5 (full). The score itself is a label,
 * because a table has only one value; `icon` marks the most probable root cause.
 */
function decorate(nodes: string): string {
  const text = `count_values by (${NAME}) ("mainstat", round(${SCORE}, 0.01))`;
  const cause = `${text} and on (${NAME}) anomaly_root_cause_rank == 1`;
  const marked = `(label_replace(${cause}, "icon", "exclamation-triangle", "", "") or on (${NAME}) ${text})`;
  const ring = `clamp(${SCORE} - 0.5, 0, 1) * on (${NAME}) group_left (mainstat, icon) ${marked}`;
  const scored = `0 * ${nodes} + on (${NAME}) group_left (mainstat, icon) (${ring})`;
  return `${scored} or on (id) label_replace(0 * ${nodes}, "mainstat", "no score", "", "")`;
}

/**
 * Calls with their latency as text, red where the trouble of an incident came that way, orange where the callee is anomalous
 * otherwise. Drops calls without both ends in `nodes`: the panel fails on them.
 */
function connect(edges: string, nodes: string): string {
  const milliseconds = `round(1000 * max by (${ENDS}) (${EDGE_SERIES}{feature="request_latency"}), 0.1)`;
  const text = `label_replace(count_values by (${ENDS}) ("ms", ${milliseconds}), "secondarystat", "$1 ms", "ms", "(.*)")`;
  const timed = `(${edges} * on (${ENDS}) group_left (secondarystat) ${text} or on (id) ${edges})`;
  const anomalous = `label_join(${SCORE} > 1, "target", "/", "namespace", "service")`;
  const coloured = [
    `label_replace(${timed} and on (${ENDS}) anomaly_propagation_edge, "color", "#f2495c", "", "")`,
    `label_replace(${timed} and on (target) ${anomalous}, "color", "#ff9830", "", "")`,
    timed,
  ].join(' or on (id) ');
  const end = (label: string) => `label_replace(${nodes}, "${label}", "$1", "id", "(.+)")`;
  return `(${coloured}) and on (source) ${end('source')} and on (target) ${end('target')}`;
}

/** Features of the selected service in the selected channel. */
export const FEATURE = `${SERVICE_SERIES}{${SERVICE}, channel="$channel"}`;

/** Deviation of each feature from its mean in standard deviations, both over the selected period. */
export const DEVIATION = `sum by (feature) ((${FEATURE} - avg_over_time(${FEATURE}[$band])) / (stddev_over_time(${FEATURE}[$band]) > 0))`;

/** Queries for a line with its normal band. */
export interface BandQueries {
  readonly value: string;
  readonly low: string;
  readonly high: string;
  /** One series whose label `unit` is a unit of Grafana's. */
  readonly unit: string;
}

const GRAFANA_UNITS: Readonly<Record<Unit, string>> = {
  none: 'short',
  seconds: 's',
  bytes: 'bytes',
  ratio: 'percentunit',
  per_second: 'cps',
  bytes_per_second: 'Bps',
};

/** One feature of the selected service in the shortest window, and its 5th and 95th percentile. */
export function featureBand(): BandQueries {
  const series = `${SERVICE_SERIES}{${SERVICE}, feature="$feature", channel="red"}`;
  const quantile = (share: number) => `quantile_over_time(${share}, ${series}[$band])`;
  return { value: series, low: quantile(0.05), high: quantile(0.95), unit: grafanaUnit() };
}

function grafanaUnit(): string {
  return Object.entries(GRAFANA_UNITS).reduce(
    (expr, [unit, grafana]) => `label_replace(${expr}, "unit", "${grafana}", "unit", "${unit}")`,
    `${UNIT_SERIES}{feature="$feature"}`,
  );
}

/** The largest finite bound of the exporter's histograms, seconds: a classic quantile is never more. */
const LARGEST_BOUND = 32;

/** A quantile of a histogram of the selected service, classic or native. */
export function serviceQuantile(share: number, histogram: string, matchers = ''): string {
  const selected = `{${SERVICE}${matchers}}[$__rate_interval]`;
  return (
    `histogram_quantile(${share}, sum by (le) (rate(${histogram}_bucket${selected})))` +
    ` or clamp_max(histogram_quantile(${share}, sum(rate(${histogram}${selected}))), ${LARGEST_BOUND})`
  );
}

/** The rate of a counter of the selected service. */
export function serviceRate(counter: string, by = '', matchers = ''): string {
  return `sum by (${by}) (rate(${counter}{${SERVICE}${matchers}}[$__rate_interval]))`;
}
