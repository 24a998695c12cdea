import { formatDuration } from '../../daemon/config-file.ts';
import { EDGE_SERIES, type FeatureSet, SERVICE_SERIES } from './features.ts';
import { GONE } from '../series.ts';
import { withLabels } from './labelled-expression.ts';
import type { RecordingRule } from './rule.ts';

/** Time since which a service is anomalous, Unix seconds. */
export const ONSET_SERIES = 'service:anomaly_onset:timestamp_seconds';
/** Relevance of a service to the graph: anomalous services first, then their callees and callers. */
export const RELEVANCE_SERIES = 'service:lorikeet_graph:relevance';
/** The services on the graph, with the labels of Grafana's node graph. Never empty. */
export const NODE_SERIES = 'service:lorikeet_graph:node';
/** The calls between services on the graph, requests/s, with the labels of Grafana's node graph. */
export const GRAPH_EDGE_SERIES = 'edge:lorikeet_graph:edge';

/** Grafana's limit for a node graph. */
export const MAX_NODES = 200;
/** Only the busiest edges are shown, to keep a dense graph readable. */
const MAX_EDGES = 600;

const CLIENT = ['client_namespace', 'client_service'] as const;
const SERVER = ['server_namespace', 'server_service'] as const;
const NAME = ['namespace', 'service'] as const;
type Name = readonly [namespace: string, service: string];

const ENDS = [...CLIENT, ...SERVER].join(', ');
const CALLS = `group by (${ENDS}) (${EDGE_SERIES})`;

/** Scores by one detector, and those of services that are gone, which no detector can score. */
const selectScores = (detector: string) => `anomaly_score{detector=~"${detector}|${GONE}"}`;

/** Scores of services by one detector, which may score their pods and endpoints instead. */
const scoresOf = (detector: string) => `max by (namespace, service) (${selectScores(detector)})`;

/** `expr` with the labels `from` copied to the labels `to`. */
function rename(expr: string, from: Name, to: Name): string {
  const copy = (inner: string, index: 0 | 1) =>
    `label_replace(${inner}, "${to[index]}", "$1", "${from[index]}", "(.*)")`;
  return copy(copy(expr, 0), 1);
}

/** Rules that record the start of a service's anomaly, as `detector` scores it. */
export function onsetRules(set: FeatureSet, detector: string, labels: readonly string[] = []): RecordingRule[] {
  const scores = selectScores(detector);
  // A score that drops below 1 for less than the second window continues the same anomaly.
  const pause = formatDuration(set.windows[1] ?? 0);
  const expr =
    `last_over_time(${ONSET_SERIES}[${pause}]) and on (namespace, service) ${scores} > 1` +
    ` or max by (namespace, service) (timestamp(${scores}) and ${scores} > 1)`;
  return [{ record: ONSET_SERIES, expr: withLabels(expr, labels) }];
}

/**
 * Rules of the service graph. Each uses the one before, so they must be in one group: Grafana draws no node graph if an
 * edge lacks one of its nodes, or if there are no nodes.
 *
 * @param labels further labels of services; each of their values has a graph of its own
 */
export function graphRules(set: FeatureSet, detector: string, labels: readonly string[] = []): RecordingRule[] {
  const scores = scoresOf(detector);
  const nodes: RecordingRule[] = [
    { record: RELEVANCE_SERIES, expr: set.edges.length > 0 ? relevanceByCalls(scores) : relevanceAlone(scores) },
    { record: NODE_SERIES, expr: nodesOf(largest(MAX_NODES, RELEVANCE_SERIES, labels), labels) },
  ];
  const rules = set.edges.length > 0 ? [...nodes, { record: GRAPH_EDGE_SERIES, expr: edgesOf(set, labels) }] : nodes;
  return rules.map(({ record, expr }) => ({ record, expr: withLabels(expr, labels) }));
}

/** The largest values: of each graph, as the services of each value of `labels` have one of their own. */
function largest(count: number, expr: string, labels: readonly string[]): string {
  return `topk${labels.length === 0 ? '' : ` by (${labels.join(', ')}) `}(${count}, ${expr})`;
}

/** `expr` with the labels `from` joined as the label `to`. */
function join(expr: string, to: string, separator: string, from: readonly string[]): string {
  return `label_join(${expr}, "${to}", "${separator}", "${from.join('", "')}")`;
}

function relevanceAlone(scores: string): string {
  return [`1000 + (${scores} > 1)`, scores, `0 * group by (namespace, service) (${SERVICE_SERIES})`].join(' or ');
}

/** Includes unmonitored services and external peers that are called. */
function relevanceByCalls(scores: string): string {
  const callees = rename(
    `${CALLS} and on (${CLIENT.join(', ')}) ${rename(`${scores} > 1`, NAME, CLIENT)}`,
    SERVER,
    NAME,
  );
  const callers = rename(
    `${CALLS} and on (${SERVER.join(', ')}) ${rename(`${scores} > 1`, NAME, SERVER)}`,
    CLIENT,
    NAME,
  );
  const ends = `${rename(CALLS, SERVER, NAME)} or ${rename(CALLS, CLIENT, NAME)}`;
  return [
    `1000 + (${scores} > 1)`,
    `100 + group by (namespace, service) (${callees} or ${callers})`,
    scores,
    `0 * group by (namespace, service) (${SERVICE_SERIES})`,
    `0 * group by (namespace, service) (${ends})`,
  ].join(' or ');
}

function nodesOf(services: string, labels: readonly string[]): string {
  const titled = join(rename(services, NAME, ['subtitle', 'title']), 'id', '/', [...labels, ...NAME]);
  const named = labels.length === 0 ? titled : join(titled, 'subtitle', '/', [...labels, 'namespace']);
  const placeholder = `label_replace(label_replace(vector(0), "id", "none", "", ""), "title", "no services yet", "", "")`;
  return `${named} or on () ${placeholder}`;
}

function edgesOf(set: FeatureSet, labels: readonly string[]): string {
  const traffic = set.edges.find(({ signal }) => signal === 'traffic');
  const rate = traffic === undefined ? [] : [`max by (${ENDS}) (${EDGE_SERIES}{feature="${traffic.name}"})`];
  const calls = [...rate, `0 * ${CALLS}`].join(' or ');
  const shown =
    `(${calls}) and on (${CLIENT.join(', ')}) ${rename(NODE_SERIES, NAME, CLIENT)}` +
    ` and on (${SERVER.join(', ')}) ${rename(NODE_SERIES, NAME, SERVER)}`;
  const source = join(largest(MAX_EDGES, shown, labels), 'source', '/', [...labels, ...CLIENT]);
  return join(join(source, 'target', '/', [...labels, ...SERVER]), 'id', ' ', ['source', 'target']);
}
