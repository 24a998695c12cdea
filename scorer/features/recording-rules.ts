import { dump } from 'js-yaml';
import type { RecordingRule } from './rule.ts';
import { formatDuration } from '../../daemon/config-file.ts';
import { CHANNELS, EDGE_SERIES, SERVICE_SERIES, UNIT_SERIES, expandExpression, type FeatureSet } from './features.ts';
import { graphRules, onsetRules } from './graph-rules.ts';

interface RuleGroup {
  readonly name: string;
  readonly interval?: string;
  readonly rules: readonly RecordingRule[];
}

export interface RuleOptions {
  /** Evaluation interval, milliseconds. Default: Prometheus' `evaluation_interval`. */
  readonly intervalMs?: number;
}

/**
 * Renders a Prometheus rule file that computes the features from raw series, and the dashboards' graph from features
 * and scores. Each feature is a group of its own, so that Prometheus evaluates them in parallel.
 */
export function renderRecordingRules(set: FeatureSet, options: RuleOptions = {}): string {
  const interval = options.intervalMs === undefined ? {} : { interval: formatDuration(options.intervalMs) };
  const services: RuleGroup[] = set.features.map((feature) => ({
    name: `lorikeet_service_${feature.name}`,
    ...interval,
    rules: CHANNELS.map((channel, index) => ({
      record: SERVICE_SERIES,
      expr: expandExpression(feature, set.windows[index] ?? 0),
      labels: { feature: feature.name, channel },
    })),
  }));
  const edges: RuleGroup[] = set.edges.map((feature) => ({
    name: `lorikeet_edge_${feature.name}`,
    ...interval,
    rules: [
      { record: EDGE_SERIES, expr: expandExpression(feature, set.windows[0] ?? 0), labels: { feature: feature.name } },
    ],
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
  const header = '# Rendered from features.yaml by `lorikeet-scorer rules`; change that file instead.\n';
  return header + dump({ groups: [...services, ...edges, units, ...incident] }, { lineWidth: -1 });
}
