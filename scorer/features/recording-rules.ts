import { dump } from 'js-yaml';
import type { RecordingRule } from './rule.ts';
import { formatDuration } from '../../daemon/config-file.ts';
import {
  CHANNELS,
  EDGE_SERIES,
  ENDPOINT_SERIES,
  expandExpression,
  oneLine,
  type Feature,
  type FeatureSet,
  POD_SERIES,
  SERVICE_SERIES,
  UNIT_SERIES,
  VERSION_SERIES,
} from './features.ts';
import { DETECTOR } from '../series.ts';
import { readsNative, type HistogramForm } from './native-histograms.ts';
import { withLabels } from './labelled-expression.ts';
import { changeRules } from './change-rules.ts';
import { graphRules, onsetRules } from './graph-rules.ts';

interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly RecordingRule[];
}

/**
 * Default evaluation interval of the rules, milliseconds: twice in a scorer's interval of one minute, so that features are
 * half a minute old at most, whatever Prometheus' `evaluation_interval` is.
 */
export const RULE_INTERVAL_MS = 30_000;

export interface RuleOptions {
  /** Evaluation interval, milliseconds. Default: `RULE_INTERVAL_MS`. */
  readonly intervalMs?: number;
  /** Default: services. */
  readonly part?: RecordingPart;
  /** Default: classic. */
  readonly histograms?: HistogramForm;
  /** Whose scores mark services as anomalous. Default: the autoencoder. */
  readonly detector?: string;
  /** Further labels of services (`identity.labels`), by which each rule keeps them apart. Default: none. */
  readonly labels?: readonly string[];
}

/** What a rule file is for: services, their edges and the graph, or pods and endpoints, which only some detectors read. */
export const RECORDING_PARTS = ['services', 'instances'] as const;
export type RecordingPart = (typeof RECORDING_PARTS)[number];

/**
 * Renders a Prometheus rule file that computes the features from raw series, and the dashboards' graph from features
 * and scores. Each feature is a group of its own, so that Prometheus evaluates them in parallel.
 */
export function renderRecordingRules(set: FeatureSet, options: RuleOptions = {}): string {
  const { intervalMs = RULE_INTERVAL_MS, part = 'services', histograms = 'classic' } = options;
  const { detector = DETECTOR, labels = [] } = options;
  const interval = { interval: formatDuration(intervalMs) };
  const divided = dividedSet(set, labels);
  const groups =
    part === 'services' ? serviceGroups(divided, interval, detector, labels) : instanceGroups(divided, interval);
  const header = '# Rendered from features.yaml by `lorikeet-scorer rules`; change that file instead.\n';
  return header + dump({ groups: histograms === 'native' ? groups.map(withNative) : groups }, { lineWidth: -1 });
}

function withNative({ rules, ...group }: RuleGroup): RuleGroup {
  return { ...group, rules: rules.map((rule) => ({ ...rule, expr: readsNative(rule.expr) })) };
}

/** The set with expressions that keep services apart by `labels`. */
function dividedSet(set: FeatureSet, labels: readonly string[]): FeatureSet {
  const divided = <F extends Feature>(features: readonly F[]): readonly F[] =>
    features.map((feature) => ({ ...feature, expr: withLabels(feature.expr, labels) }));
  return {
    ...set,
    features: divided(set.features),
    edges: divided(set.edges),
    pods: divided(set.pods),
    endpoints: divided(set.endpoints),
    versions: set.versions && withLabels(set.versions, labels),
    changes: set.changes && withLabels(set.changes, labels),
  };
}

type Interval = Pick<RuleGroup, 'interval'>;

function serviceGroups(set: FeatureSet, interval: Interval, detector: string, labels: readonly string[]): RuleGroup[] {
  const services: RuleGroup[] = set.features.map((feature) => ({
    name: `lorikeet_service_${feature.name}`,
    ...interval,
    rules: CHANNELS.map((channel, index) => ({
      record: SERVICE_SERIES,
      expr: expandExpression(feature, set.windows[index] ?? 0),
      labels: { feature: feature.name, channel },
    })),
  }));
  const units = unitRules(distinct([...set.features, ...set.edges]), interval, 'lorikeet_units');
  const incident: RuleGroup[] = [
    { name: 'lorikeet_onset', ...interval, rules: onsetRules(set, detector, labels) },
    { name: 'lorikeet_graph', ...interval, rules: graphRules(set, detector, labels) },
    { name: 'lorikeet_changes', ...interval, rules: changeRules(set, labels) },
  ].filter(({ rules }) => rules.length > 0);
  return [...services, ...shortestWindow(set, interval, 'edge', EDGE_SERIES, set.edges), ...units, ...incident];
}

function instanceGroups(set: FeatureSet, interval: Interval): RuleGroup[] {
  const known = new Set([...set.features, ...set.edges].map(({ name }) => name));
  const units = distinct([...set.pods, ...set.endpoints]).filter(({ name }) => !known.has(name));
  return [
    ...shortestWindow(set, interval, 'pod', POD_SERIES, set.pods),
    ...shortestWindow(set, interval, 'endpoint', ENDPOINT_SERIES, set.endpoints),
    ...unitRules(units, interval, 'lorikeet_instance_units'),
    ...(set.versions === undefined
      ? []
      : [{ name: 'lorikeet_versions', ...interval, rules: [{ record: VERSION_SERIES, expr: oneLine(set.versions) }] }]),
  ];
}

/** Of features with the same name, the first. */
function distinct(features: readonly Feature[]): Feature[] {
  const names = features.map(({ name }) => name);
  return features.filter(({ name }, index) => names.indexOf(name) === index);
}

/** For alerts and dashboards, which show the values of any features file. */
function unitRules(features: readonly Feature[], interval: Interval, name: string): RuleGroup[] {
  if (features.length === 0) return [];
  const rules = features.map((feature) => ({
    record: UNIT_SERIES,
    expr: 'vector(1)',
    labels: { feature: feature.name, unit: feature.unit },
  }));
  return [{ name, ...interval, rules }];
}

/** A group for each feature that is looked at in the shortest window only. */
function shortestWindow(
  { windows: [shortest = 0] }: FeatureSet,
  interval: Interval,
  name: string,
  record: string,
  features: readonly Feature[],
): RuleGroup[] {
  return features.map((feature) => ({
    name: `lorikeet_${name}_${feature.name}`,
    ...interval,
    rules: [{ record, expr: expandExpression(feature, shortest), labels: { feature: feature.name } }],
  }));
}
