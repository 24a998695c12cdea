import { renderLabels } from '../../daemon/labels.ts';
import type { Maintenance } from '../scoring/maintenance.ts';
import type { FleetScores } from '../scoring/score-fleet.ts';
import { serviceName } from '../identity/service-key.ts';
import { DETECTOR, EVIDENCE_SERIES, INCIDENT_SERIES, MAINTENANCE_SERIES } from '../series.ts';
import type { Sample } from './remote-write/sample.ts';

/** Feature shares are told from this score on: below it there is nothing to explain. */
const LEAST_EXPLAINED_SCORE = 0.5;

/** The series that one cycle's scores make, all at `timestampMs`. */
export function scoreSamples(result: FleetScores, timestampMs: number, maintenance?: Maintenance): Sample[] {
  const sample = (name: string, key: string, value: number, labels: Readonly<Record<string, string>> = {}): Sample => ({
    name,
    labels: { ...serviceName(key), ...labels },
    value,
    timestampMs,
  });
  const samples: Sample[] = [];
  for (const { key, score, shares } of result.scores) {
    samples.push(sample('anomaly_score', key, score, { detector: DETECTOR }));
    if (maintenance?.covers(key) === true) samples.push(sample(MAINTENANCE_SERIES, key, 1));
    if (score < LEAST_EXPLAINED_SCORE) continue;
    for (const { feature, share } of shares) {
      samples.push(sample('anomaly_feature_share', key, share, { detector: DETECTOR, feature }));
    }
  }
  for (const { key, blame, rank } of result.causes) {
    samples.push(sample('anomaly_root_cause_score', key, blame), sample('anomaly_root_cause_rank', key, rank));
  }
  return samples;
}

/** Remembers which series were written last, so that those which end get a stale marker. */
export class SeriesLedger {
  #last = new Map<string, Sample>();

  /** `samples` and a stale marker, at `timestampMs`, for each series written before and not any more. */
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
  anomaly_score: 'How unlike itself a service behaves: 0 as expected, 1 at the learned threshold, above 1 anomalous.',
  anomaly_feature_share: 'Share of the error that a feature carries, the largest three.',
  anomaly_root_cause_score: 'Share of the blame in the present incident.',
  anomaly_root_cause_rank: 'Place in the ranking of root causes, 1 is the most probable.',
  [MAINTENANCE_SERIES]: '1 while an announced maintenance of a service lasts.',
  [EVIDENCE_SERIES]: 'Evidence against a service in bits, for the ranking over all shards.',
  [INCIDENT_SERIES]: 'Services of a shard whose score is above 1.',
};

/** The samples in Prometheus' text format, for `output: metrics`. */
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
