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
import { graphRules, onsetRules } from './graph-rules.ts';

interface RuleGroup {
  readonly name: string;
  readonly interval?: string;
  readonly rules: readonly RecordingRule[];
}

export interface RuleOptions {
  /** Evaluation interval, milliseconds. Default: Prometheus' `evaluation_interval`. */
  readonly intervalMs?: number;
  /** Default: services. */
  readonly part?: RulePart;
}

/** What a rule file is for: services, their edges and the graph, or pods and endpoints, which only some detectors read. */
export const RULE_PARTS = ['services', 'instances'] as const;
export type RulePart = (typeof RULE_PARTS)[number];

/**
 * Renders a Prometheus rule file that computes the features from raw series, and the dashboards' graph from features
 * and scores. Each feature is a group of its own, so that Prometheus evaluates them in parallel.
 */
export function renderRecordingRules(set: FeatureSet, { intervalMs, part = 'services' }: RuleOptions = {}): string {
  const interval = intervalMs === undefined ? {} : { interval: formatDuration(intervalMs) };
  const groups = part === 'services' ? serviceGroups(set, interval) : instanceGroups(set, interval);
  const header = '# Rendered from features.yaml by `lorikeet-scorer rules`; change that file instead.\n';
  return header + dump({ groups }, { lineWidth: -1 });
}

type Interval = Pick<RuleGroup, 'interval'>;

function serviceGroups(set: FeatureSet, interval: Interval): RuleGroup[] {
  const services: RuleGroup[] = set.features.map((feature) => ({
    name: `lorikeet_service_${feature.name}`,
    ...interval,
    rules: CHANNELS.map((channel, index) => ({
      record: SERVICE_SERIES,
      expr: expandExpression(feature, set.windows[index] ?? 0),
      labels: { feature: feature.name, channel },
    })),
  }));
  // For alerts and dashboards, which show the values of any features file.
  const units: RuleGroup = {
    name: 'lorikeet_units',
    ...interval,
    rules: set.features.map(({ name, unit }) => ({
      record: UNIT_SERIES,
      expr: 'vector(1)',
      labels: { feature: name, unit },
    })),
  };
  const incident: RuleGroup[] = [
    { name: 'lorikeet_onset', ...interval, rules: onsetRules(set) },
    { name: 'lorikeet_graph', ...interval, rules: graphRules(set) },
  ];
  return [...services, ...shortestWindow(set, interval, 'edge', EDGE_SERIES, set.edges), units, ...incident];
}

function instanceGroups(set: FeatureSet, interval: Interval): RuleGroup[] {
  return [
    ...shortestWindow(set, interval, 'pod', POD_SERIES, set.pods),
    ...shortestWindow(set, interval, 'endpoint', ENDPOINT_SERIES, set.endpoints),
    ...(set.versions === undefined
      ? []
      : [{ name: 'lorikeet_versions', ...interval, rules: [{ record: VERSION_SERIES, expr: oneLine(set.versions) }] }]),
  ];
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
