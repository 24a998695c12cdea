import { renderLabels } from '../../daemon/labels.ts';
import type { Announcements } from '../announced/watch.ts';
import type { FleetScores } from '../scoring/score-fleet.ts';
import { serviceName } from '../identity/service-key.ts';
import { propagation } from '../scoring/ranking/propagation.ts';
import {
  DETECTOR,
  EDGE_SCORE_SERIES,
  EVIDENCE_SERIES,
  EXPECTED_SERIES,
  GONE,
  INCIDENT_SERIES,
  INTERVAL_END_SERIES,
  INTERVAL_START_SERIES,
  LEVEL_SHIFT_SERIES,
  MAINTENANCE_SERIES,
  PATTERN_SERIES,
  PROPAGATION_SERIES,
  UNEXPECTED_EVENT_SERIES,
  UNTOLERATED_SERIES,
  VERSION_SCORE_SERIES,
} from '../series.ts';
import { edgeLabels } from './edge-labels.ts';
import type { Sample } from './remote-write/sample.ts';

/** The time of a cycle, and the length of a step. */
export interface SampleTimes {
  readonly timestampMs: number;
  readonly intervalMs: number;
}

/** Minimum score at which feature shares are exported: below it, there is no anomaly to explain. */
export const MIN_EXPLAINED_SCORE = 0.5;

/** Converts one cycle's scores to samples at the cycle's time. */
export function scoreSamples(
  result: FleetScores,
  { timestampMs, intervalMs }: SampleTimes,
  announced?: Announcements,
): Sample[] {
  const sample = (name: string, key: string, value: number, labels: Readonly<Record<string, string>> = {}): Sample => ({
    name,
    labels: { ...serviceName(key), ...labels },
    value,
    timestampMs,
  });
  const samples: Sample[] = [];
  for (const { key, score, untolerated, shifts, shares } of result.scores) {
    samples.push(sample('anomaly_score', key, score, { detector: DETECTOR }));
    if (untolerated >= MIN_EXPLAINED_SCORE && untolerated > score) {
      samples.push(sample(UNTOLERATED_SERIES, key, untolerated, { detector: DETECTOR }));
    }
    for (const { feature, by } of shifts) samples.push(sample(LEVEL_SHIFT_SERIES, key, by, { feature }));
    if (score < MIN_EXPLAINED_SCORE) continue;
    for (const { feature, share, usual } of shares) {
      const labels = { detector: DETECTOR, feature };
      samples.push(sample('anomaly_feature_share', key, share, labels));
      if (usual === undefined) continue;
      for (const bound of ['low', 'high'] as const) {
        samples.push(sample('anomaly_feature_usual', key, usual[bound], { ...labels, bound }));
      }
    }
  }
  for (const { key, score, since } of result.gone ?? []) {
    const labels = { detector: GONE };
    samples.push(sample('anomaly_score', key, score, labels));
    samples.push(sample(INTERVAL_START_SERIES, key, (since * intervalMs) / 1000, labels));
  }
  // Whatever its detectors, also those that score its pods alone.
  for (const key of result.states.keys()) {
    if (announced?.maintenance.covers(key) === true) samples.push(sample(MAINTENANCE_SERIES, key, 1));
    if (announced?.expected.covers(key) === true) samples.push(sample(EXPECTED_SERIES, key, 1));
  }
  for (const { key, blame, rank } of result.causes) {
    samples.push(sample('anomaly_root_cause_score', key, blame), sample('anomaly_root_cause_rank', key, rank));
  }
  for (const { client, server, bits } of propagation(result.causes, result.edges ?? [])) {
    const labels = edgeLabels({ client: serviceName(client), server: serviceName(server) });
    samples.push({ name: PROPAGATION_SERIES, labels, value: bits, timestampMs });
  }
  return samples;
}

/** Tracks the series of the last cycle, to write stale markers for those that end. */
export class SeriesLedger {
  #last = new Map<string, Sample>();

  /** Returns `samples`, and a stale marker at `timestampMs` for each series of the last cycle that they lack. */
  withStaleMarkers(samples: readonly Sample[], timestampMs: number): Sample[] {
    const present = new Map(samples.map((sample) => [identity(sample), sample]));
    const ended = [...this.#last]
      .filter(([key]) => !present.has(key))
      .map(([, sample]): Sample => ({ ...sample, timestampMs, stale: true }));
    this.#last = present;
    return [...samples, ...ended];
  }
}

function identity({ name, labels }: Sample): string {
  return JSON.stringify([name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

const HELP: Readonly<Record<string, string>> = {
  anomaly_score: 'Anomaly score of a service: 0 is as expected, 1 is the learned threshold, above 1 is anomalous.',
  [UNTOLERATED_SERIES]: 'The score without tolerance for what recurs or has changed for good, while it is higher.',
  [LEVEL_SHIFT_SERIES]:
    'What a feature has changed by for good: a ratio, or a difference if it is compared by difference.',
  anomaly_feature_share: "Share of a feature in the service's error, for the three largest shares.",
  anomaly_feature_usual: 'Usual range of these features in the shortest window: bounds of 90 % of their values.',
  anomaly_root_cause_score: 'Share of a service in the blame for the current incident, 0 to 1.',
  anomaly_root_cause_rank: 'Rank of a service among the root causes, 1 is the most probable.',
  [PROPAGATION_SERIES]: 'Evidence that trouble came from a callee to its caller in the current incident, bits.',
  [EDGE_SCORE_SERIES]: 'Anomaly score of the calls from one service to another, 1 is the learned threshold.',
  [INTERVAL_START_SERIES]: 'Unix time of the first anomalous window of the current anomaly.',
  [INTERVAL_END_SERIES]: 'Unix time of the last anomalous window of the current anomaly.',
  [UNEXPECTED_EVENT_SERIES]: "Share of a service's traces in which an event was unexpected, the largest three.",
  [PATTERN_SERIES]: 'Shape of the current anomaly in its leading feature, as a label; always 1.',
  [VERSION_SCORE_SERIES]: 'Difference of a version from the oldest one of its service, 1 is the learned threshold.',
  [MAINTENANCE_SERIES]: '1 while a service is in maintenance.',
  [EXPECTED_SERIES]: '1 while what a service does is announced as expected.',
  [EVIDENCE_SERIES]: 'Evidence against a service in bits, for the ranking across shards.',
  [INCIDENT_SERIES]: 'Number of services of a shard with a score above 1.',
};

/** Renders samples in Prometheus' text format, for `output: metrics`. */
export function renderScores(samples: readonly Sample[]): string {
  return Object.entries(HELP)
    .map(([name, help]) => {
      const rows = samples
        .filter((sample) => sample.name === name && sample.stale !== true)
        .map((sample) => `${name}{${renderLabels(sample.labels)}} ${sample.value}\n`);
      return rows.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${rows.join('')}`;
    })
    .join('');
}
