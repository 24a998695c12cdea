import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { CHANGE_SCORE_SERIES, CHANGE_SERIES } from '../scorer/features/change-rules.ts';
import { DETECTOR_NAMES } from '../scorer/detectors/settings.ts';
import { board, detectorVariable, labelsVariable, SERVICE_ALERTS } from './board.ts';
import { graph, rows, single, timeSeries } from './panels.ts';
import {
  agreementColumns,
  ANOMALOUS,
  countScored,
  DETECTED,
  fleetGraph,
  MAX_ROWS,
  ofAnomalous,
  ONSET_MS,
} from './queries.ts';

const CHOSEN = 'namespace=~"$namespace"';
/** Of the selected namespaces. */
const CHANGE_FIT = `${CHANGE_SCORE_SERIES}{${CHOSEN}}`;
const SCORES = `anomaly_score{${CHOSEN}, ${DETECTED}}`;

/** The current incident: services, start, spread, root cause and signals. */
export function overview(): DashboardBuilder {
  return board({
    uid: 'lorikeet-overview',
    description: 'Anomalous services: since when, how far the incident spreads, and the most probable root cause.',
    from: 'now-3h',
    alerts: `alertname=~"RootCauseIdentified|${SERVICE_ALERTS}"`,
    alertText: '{{namespace}}/{{service}}',
  })
    .withVariable(
      labelsVariable('namespace', 'Namespace', 'label_values(service:lorikeet_feature:window, namespace)').allValue(
        '.*',
      ),
    )
    .withVariable(detectorVariable())
    .withPanel(
      single({
        title: 'Anomalous services',
        description: 'Services whose score is above 1, the threshold.',
        unit: 'short',
        span: 4,
        expr: `count(max by (namespace, service) (${SCORES}) > 1) or vector(0)`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      single({
        title: 'Most probable root cause',
        description: 'First in the root-cause ranking of the current incident.',
        unit: 'none',
        span: 8,
        expr: 'topk(1, anomaly_root_cause_score and anomaly_root_cause_rank == 1)',
        legend: '{{namespace}}/{{service}}',
        byName: true,
        colours: 'none wanted',
        noValue: 'no incident',
      }),
    )
    .withPanel(
      single({
        title: 'Anomalous since',
        description:
          'Time since the first of the currently anomalous services became anomalous, by the detector that the recording rules follow.',
        unit: 'dateTimeFromNow',
        span: 4,
        expr: `min(${ONSET_MS} and on (namespace, service) ${SCORES} > 1)`,
        noValue: 'no incident',
      }),
    )
    .withPanel(
      single({
        title: 'Scored',
        description: 'Services that have a score.',
        unit: 'short',
        span: 4,
        expr: countScored(`${CHOSEN}, ${DETECTED}`),
      }),
    )
    .withPanel(
      single({
        title: 'Unmonitored',
        description: 'Services that run but are not monitored, by annotation or by default.',
        unit: 'short',
        span: 4,
        expr: `count(group by (namespace, service) (lorikeet_target_info{${CHOSEN}, monitored="false"})) or vector(0)`,
      }),
    )
    .withPanel(
      graph(
        {
          title: 'Service graph',
          description:
            'At most 200 services, anomalous ones and their neighbours first. The red ring grows from a score of 0.5 and is full at 1.5; the triangle marks the most probable root cause. Edges show requests per second and mean latency. Red edges are the way that the trouble took from the root cause, orange ones lead to other anomalous services.',
          span: 13,
          height: 18,
        },
        fleetGraph(),
      ),
    )
    .withPanel(
      rows({
        title: 'Anomalies',
        description: `The ${MAX_ROWS} services with the highest scores. Blame: the service's share as a suspect for the root cause. Signal: the feature that contributes most to the score.`,
        span: 11,
        height: 18,
        labels: { namespace: 'Namespace', service: 'Service', feature: 'Signal' },
        columns: [
          { header: 'Score', expr: ANOMALOUS, score: true },
          { header: 'Since', expr: ofAnomalous(ONSET_MS), unit: 'dateTimeAsIsoNoDateIfToday' },
          { header: 'Rank', expr: ofAnomalous('min by (namespace, service) (anomaly_root_cause_rank)') },
          {
            header: 'Blame',
            expr: ofAnomalous('max by (namespace, service) (anomaly_root_cause_score)'),
            unit: 'percentunit',
          },
          {
            header: 'Share of anomaly',
            expr: ofAnomalous(
              'topk by (namespace, service) (1, max by (namespace, service, feature) (anomaly_feature_share{detector="$detector"}))',
            ),
            unit: 'percentunit',
          },
        ],
        sortBy: 'Score',
        serviceLinks: true,
        noValue: 'no service is anomalous',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Services by state over time',
        description: 'Number of anomalous (score above 1) and severely anomalous (score above 3) services.',
        unit: 'short',
        span: 12,
        min: 0,
        queries: {
          anomalous: `count(max by (namespace, service) (${SCORES}) > 1) or vector(0)`,
          severely: `count(max by (namespace, service) (${SCORES}) > 3) or vector(0)`,
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Scores of anomalous services',
        description: 'The 20 highest scores in the selected time range. The threshold is 1.',
        unit: 'short',
        span: 12,
        threshold: true,
        min: 0,
        queries: {
          '{{namespace}}/{{service}}': `max by (namespace, service) (${SCORES}) and on (namespace, service) topk(20, max by (namespace, service) (max_over_time(${SCORES}[$__range] @ end())) > 1)`,
        },
        noValue: 'no service was anomalous',
      }),
    )
    .withPanel(
      rows({
        title: 'Changes before the incident',
        description:
          "Versions, numbers of replicas and configurations that the suspects haven't had for long: since when, and how well they fit the incident's beginning and its cause.",
        span: 24,
        labels: { namespace: 'Namespace', service: 'Service', change: 'Change', version: 'Version' },
        columns: [
          { header: 'Fits', expr: `topk(${MAX_ROWS}, ${CHANGE_FIT})`, unit: 'percentunit' },
          {
            header: 'Since',
            expr: `1000 * ${CHANGE_SERIES} and ${CHANGE_FIT}`,
            unit: 'dateTimeAsIsoNoDateIfToday',
          },
        ],
        sortBy: 'Fits',
        serviceLinks: true,
        noValue: 'none is known',
      }),
    )
    .withPanel(
      rows({
        title: 'Detectors',
        description: `Services that a detector finds anomalous, at most ${MAX_ROWS}: how many detectors do, and the score by each. A service has the worst score of its pods and endpoints.`,
        span: 24,
        labels: { namespace: 'Namespace', service: 'Service' },
        columns: agreementColumns(DETECTOR_NAMES).map((column, index) => ({ ...column, score: index > 0 })),
        sortBy: 'Above 1',
        serviceLinks: true,
        noValue: 'no service is anomalous',
      }),
    )
    .withPanel(
      rows({
        title: 'Services',
        description: 'Running instances, monitored or not, and current scores. Limited to 500 services.',
        span: 24,
        height: 10,
        labels: { namespace: 'Namespace', service: 'Service', monitored: 'Monitored', workload_kind: 'Kind' },
        columns: [
          {
            header: 'Instances',
            expr: `topk(500, count by (namespace, service, monitored, workload_kind) (lorikeet_target_info{${CHOSEN}}))`,
          },
          { header: 'Score', expr: `topk(500, max by (namespace, service) (${SCORES}))`, score: true },
          {
            header: 'Requests',
            expr: `topk(500, max by (namespace, service) (service:lorikeet_feature:window{${CHOSEN}, feature="request_rate", channel="red"}))`,
            unit: 'reqps',
          },
          {
            header: 'Latency',
            expr: `max by (namespace, service) (service:lorikeet_feature:window{${CHOSEN}, feature="request_latency", channel="red"}) and on (namespace, service) topk(500, service:lorikeet_feature:window{${CHOSEN}, feature="request_rate", channel="red"})`,
            unit: 's',
          },
        ],
        sortBy: 'Score',
        serviceLinks: true,
      }),
    );
}
