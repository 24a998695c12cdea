import { formatDuration } from '../../daemon/config-file.ts';
import { EDGE_SERIES, type FeatureSet, SERVICE_SERIES } from './features.ts';
import type { RecordingRule } from './rule.ts';

/** Since when a service is anomalous, Unix time. */
export const ONSET_SERIES = 'service:anomaly_onset:timestamp_seconds';
/** How much a service belongs on the graph: anomalous ones first, then whom they call or who calls them. */
export const RELEVANCE_SERIES = 'service:lorikeet_graph:relevance';
/** The services on the graph, with the labels of Grafana's node graph. Never empty. */
export const NODE_SERIES = 'service:lorikeet_graph:node';
/** The calls between services on the graph in requests a second, with the labels of Grafana's node graph. */
export const GRAPH_EDGE_SERIES = 'edge:lorikeet_graph:edge';

/** Grafana lays out at most so many nodes. */
export const MOST_NODES = 200;
/** So that a dense graph stays readable: the busiest calls. */
const MOST_EDGES = 600;

const CLIENT = ['client_namespace', 'client_service'] as const;
const SERVER = ['server_namespace', 'server_service'] as const;
const NAME = ['namespace', 'service'] as const;
type Name = readonly [namespace: string, service: string];

const ENDS = [...CLIENT, ...SERVER].join(', ');
const CALLS = `group by (${ENDS}) (${EDGE_SERIES})`;
const ANOMALOUS = 'max by (namespace, service) (anomaly_score > 1)';

/** `expr` with the labels `from` copied to the labels `to`. */
function rename(expr: string, from: Name, to: Name): string {
  const copy = (inner: string, index: 0 | 1) =>
    `label_replace(${inner}, "${to[index]}", "$1", "${from[index]}", "(.*)")`;
  return copy(copy(expr, 0), 1);
}

/** Rules that follow a service's anomaly from its beginning. */
export function onsetRules(set: FeatureSet): RecordingRule[] {
  // A score that falls below 1 for a shorter time than the second window is still the same anomaly.
  const pause = formatDuration(set.windows[1] ?? 0);
  return [
    {
      record: ONSET_SERIES,
      expr:
        `last_over_time(${ONSET_SERIES}[${pause}]) and on (namespace, service) anomaly_score > 1` +
        ` or max by (namespace, service) (timestamp(anomaly_score) and anomaly_score > 1)`,
    },
  ];
}

/**
 * Rules of the graph, each made from the one before: they belong into one group, so that every end of an edge is a node of the
 * same moment. A node graph with an edge to nowhere, or without nodes, is none.
 */
export function graphRules(set: FeatureSet): RecordingRule[] {
  const nodes: RecordingRule[] = [
    { record: RELEVANCE_SERIES, expr: set.edges.length > 0 ? relevanceByCalls() : relevanceAlone() },
    { record: NODE_SERIES, expr: nodesOf(`topk(${MOST_NODES}, ${RELEVANCE_SERIES})`) },
  ];
  return set.edges.length > 0 ? [...nodes, { record: GRAPH_EDGE_SERIES, expr: edgesOf(set) }] : nodes;
}

function relevanceAlone(): string {
  return [
    `1000 + ${ANOMALOUS}`,
    `max by (namespace, service) (anomaly_score)`,
    `0 * group by (namespace, service) (${SERVICE_SERIES})`,
  ].join(' or ');
}

/** Services that aren't watched, and peers outside, are there when somebody calls them. */
function relevanceByCalls(): string {
  const callees = rename(
    `${CALLS} and on (${CLIENT.join(', ')}) ${rename('anomaly_score > 1', NAME, CLIENT)}`,
    SERVER,
    NAME,
  );
  const callers = rename(
    `${CALLS} and on (${SERVER.join(', ')}) ${rename('anomaly_score > 1', NAME, SERVER)}`,
    CLIENT,
    NAME,
  );
  const ends = `${rename(CALLS, SERVER, NAME)} or ${rename(CALLS, CLIENT, NAME)}`;
  return [
    `1000 + ${ANOMALOUS}`,
    `100 + group by (namespace, service) (${callees} or ${callers})`,
    `max by (namespace, service) (anomaly_score)`,
    `0 * group by (namespace, service) (${SERVICE_SERIES})`,
    `0 * group by (namespace, service) (${ends})`,
  ].join(' or ');
}

function nodesOf(services: string): string {
  const named = `label_join(${rename(services, NAME, ['subtitle', 'title'])}, "id", "/", "namespace", "service")`;
  const placeholder = `label_replace(label_replace(vector(0), "id", "none", "", ""), "title", "no services yet", "", "")`;
  return `${named} or on () ${placeholder}`;
}

function edgesOf(set: FeatureSet): string {
  const traffic = set.edges.find(({ signal }) => signal === 'traffic');
  const rate = traffic === undefined ? [] : [`max by (${ENDS}) (${EDGE_SERIES}{feature="${traffic.name}"})`];
  const calls = [...rate, `0 * ${CALLS}`].join(' or ');
  const shown =
    `(${calls}) and on (${CLIENT.join(', ')}) ${rename(NODE_SERIES, NAME, CLIENT)}` +
    ` and on (${SERVER.join(', ')}) ${rename(NODE_SERIES, NAME, SERVER)}`;
  const source = `label_join(topk(${MOST_EDGES}, ${shown}), "source", "/", "${CLIENT.join('", "')}")`;
  const target = `label_join(${source}, "target", "/", "${SERVER.join('", "')}")`;
  return `label_join(${target}, "id", " ", "source", "target")`;
}
