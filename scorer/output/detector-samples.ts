import type { UnexpectedEventRow } from '../detectors/trace-sequence/trace-sequence.ts';
import type { DetectorVerdicts } from '../detectors/verdicts.ts';
import type { Verdict } from '../detectors/detector.ts';
import type { VersionVerdict } from '../detectors/instance-outlier/instance-outlier.ts';
import { edgeEnds, instanceName, serviceName } from '../identity/service-key.ts';
import {
  EDGE_SCORE_SERIES,
  INTERVAL_END_SERIES,
  INTERVAL_START_SERIES,
  PATTERN_SERIES,
  UNEXPECTED_EVENT_SERIES,
  VERSION_SCORE_SERIES,
} from '../series.ts';
import { edgeLabels } from './edge-labels.ts';
import type { Sample } from './remote-write/sample.ts';
import { MIN_EXPLAINED_SCORE, type SampleTimes } from './samples.ts';

/** What the detectors beside the autoencoder found at a step. */
export interface DetectorFindings {
  readonly others: readonly DetectorVerdicts[];
  readonly versions: readonly VersionVerdict[];
  readonly unexpected: readonly UnexpectedEventRow[];
  /** Scores of `agreement`, by service. */
  readonly agreed: ReadonlyMap<string, number>;
  readonly patterns: readonly {
    readonly service: string;
    readonly feature: string;
    readonly pattern: string;
    readonly direction: string;
  }[];
}

/** Converts what the detectors beside the autoencoder found to samples. */
export function detectorSamples(
  { others, versions, unexpected, agreed, patterns }: DetectorFindings,
  { timestampMs, intervalMs }: SampleTimes,
): Sample[] {
  const samples: Sample[] = [];
  const add = (name: string, labels: Readonly<Record<string, string>>, value: number) =>
    samples.push({ name, labels, value, timestampMs });
  for (const { detector, verdicts } of others) {
    for (const verdict of verdicts) {
      const labels = { ...subjectLabels(verdict), detector };
      add(verdict.kind === 'edge' ? EDGE_SCORE_SERIES : 'anomaly_score', labels, verdict.score);
      if (verdict.interval !== undefined) {
        add(INTERVAL_START_SERIES, labels, (verdict.interval.from * intervalMs) / 1000);
        add(INTERVAL_END_SERIES, labels, (verdict.interval.to * intervalMs) / 1000);
      }
      if (verdict.score < MIN_EXPLAINED_SCORE || verdict.kind === 'edge') continue;
      for (const { feature, share } of verdict.shares) add('anomaly_feature_share', { ...labels, feature }, share);
    }
  }
  for (const { service, version, score } of versions) {
    add(VERSION_SCORE_SERIES, { ...serviceName(service), version }, score);
  }
  for (const { service, kind, event, expected, share } of unexpected) {
    add(UNEXPECTED_EVENT_SERIES, { ...serviceName(service), kind, event, expected }, share);
  }
  for (const [service, score] of agreed)
    add('anomaly_score', { ...serviceName(service), detector: 'agreement' }, score);
  for (const { service, ...labels } of patterns) add(PATTERN_SERIES, { ...serviceName(service), ...labels }, 1);
  return samples;
}

function subjectLabels({ kind, key }: Verdict): Record<string, string> {
  if (kind === 'service') return { ...serviceName(key) };
  if (kind === 'edge') return edgeLabels(edgeEnds(key));
  const { instance, ...service } = instanceName(key);
  return { ...service, [kind]: instance };
}
