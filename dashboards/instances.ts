import { type DashboardBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { VERSION_SERIES } from '../scorer/features/features.ts';
import { INTERVAL_START_SERIES, VERSION_SCORE_SERIES } from '../scorer/series.ts';
import { marks } from './board.ts';
import { rows, timeSeries } from './panels.ts';
import { DETECTED, MAX_ROWS, SERVICE } from './queries.ts';

/** Lines of a panel. */
const MAX_LINES = 20;
const OFF = 'no detector scores these';

/** Scores of the service's pods or endpoints, the highest of the time range. */
function highest(label: 'pod' | 'endpoint'): string {
  const scores = `anomaly_score{${SERVICE}, ${label}!=""}`;
  const by = `max by (detector, ${label})`;
  return `${by} (${scores}) and on (detector, ${label}) topk(${MAX_LINES}, ${by} (max_over_time(${scores}[$__range] @ end())))`;
}

/** The newest score of each pod by one detector. */
const podScore = (detector: string): string =>
  `topk(${MAX_ROWS}, max by (pod) (anomaly_score{${SERVICE}, pod!="", detector="${detector}"}))`;

/** Marks the selected detector's anomalies, and the shape of an anomaly, where detectors find them. */
export function markIntervals(dashboard: DashboardBuilder): void {
  const start = `${INTERVAL_START_SERIES}{${SERVICE}, ${DETECTED}}`;
  const text = '{{endpoint}}{{pod}}';
  dashboard
    .annotation(marks({ name: 'Anomalies', colour: 'orange', expr: start, title: 'Anomaly by {{detector}}', text }))
    .annotation(
      marks({
        name: 'First anomalous window',
        colour: 'orange',
        expr: `1000 * ${start}`,
        byValue: true,
        title: 'First anomalous window of {{detector}}',
        text,
      }),
    )
    .annotation(
      marks({
        name: 'Patterns',
        colour: 'purple',
        expr: `anomaly_pattern{${SERVICE}}`,
        title: '{{pattern}}',
        text: '{{direction}}',
      }),
    );
}

/** The pods, versions and endpoints of the service, and the unexpected events of its traces. */
export function addInstances(dashboard: DashboardBuilder): void {
  dashboard
    .withRow(new RowBuilder('Instances'))
    .withPanel(
      timeSeries({
        title: 'Score by pod',
        description: `The ${MAX_LINES} highest scores of pods, by the detectors that score pods. The threshold is 1.`,
        unit: 'short',
        span: 8,
        threshold: true,
        min: 0,
        queries: { '{{pod}} {{detector}}': highest('pod') },
        noValue: OFF,
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Score by version',
        description: 'Difference of each version from the oldest that still runs. The threshold is 1.',
        unit: 'short',
        span: 8,
        threshold: true,
        min: 0,
        queries: { '{{version}}': `max by (version) (${VERSION_SCORE_SERIES}{${SERVICE}})` },
        noValue: 'one version, or no detector that compares them',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Score by endpoint',
        description: `The ${MAX_LINES} highest scores of endpoints. The threshold is 1.`,
        unit: 'short',
        span: 8,
        threshold: true,
        min: 0,
        queries: { '{{endpoint}} {{detector}}': highest('endpoint') },
        noValue: OFF,
      }),
    )
    .withPanel(
      rows({
        title: 'Pods',
        description: `Scores of the pods, at most ${MAX_ROWS}, by the detectors that score pods, and the version that each runs.`,
        span: 12,
        labels: { pod: 'Pod', version: 'Version' },
        columns: [
          { header: 'Instance outlier', expr: podScore('instance_outlier'), score: true },
          { header: 'LSTM autoencoder', expr: podScore('lstm_autoencoder'), score: true },
          {
            header: 'Pods of the version',
            expr: `count by (version) (${ofService(VERSION_SERIES)}) * on (version) group_right () max by (pod, version) (${ofService(VERSION_SERIES)})`,
          },
        ],
        sortBy: 'Instance outlier',
        noValue: OFF,
      }),
    )
    .withPanel(
      rows({
        title: 'Unexpected events',
        description: `What came in the traces of the service and what was expected instead, at most ${MAX_ROWS} of each.`,
        span: 12,
        labels: { kind: 'Kind', event: 'Event', expected: 'Expected' },
        columns: [
          {
            header: 'Share of requests',
            unit: 'percentunit',
            expr: `topk(${MAX_ROWS}, max by (kind, event, expected) (anomaly_unexpected_event{${SERVICE}}))`,
          },
        ],
        sortBy: 'Share of requests',
        noValue: 'none, or traces are not read',
      }),
    );
}

/** The service's part of a series that has pods but no service. */
function ofService(series: string): string {
  return `${series}{namespace="$namespace"} and on (namespace, pod) anomaly_score{${SERVICE}, pod!=""}`;
}
