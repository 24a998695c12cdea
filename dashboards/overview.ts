import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, labelsVariable } from './board.ts';
import { graph, rows, single, timeSeries } from './panels.ts';
import { ANOMALOUS, countScored, fleetGraph, MOST_ROWS, ofAnomalous, ONSET_MS } from './queries.ts';

const CHOSEN = 'namespace=~"$namespace"';

/** What is wrong, since when, how far it spreads, where it started, which signal shows it. */
export function overview(): DashboardBuilder {
  return board({
    uid: 'lorikeet-overview',
    description:
      'Which services behave unlike themselves, since when, how far it spreads and where it most probably started.',
    from: 'now-3h',
    alerts: 'alertname=~"RootCauseIdentified|ServiceAnomalous|ServiceSeverelyAnomalous"',
    alertText: '{{namespace}}/{{service}}',
  })
    .withVariable(
      labelsVariable('namespace', 'Namespace', 'label_values(service:lorikeet_feature:window, namespace)').allValue(
        '.*',
      ),
    )
    .withPanel(
      single({
        title: 'Anomalous services',
        description: 'Services whose score is above 1, their learned threshold, now.',
        unit: 'short',
        span: 4,
        expr: `count(max by (namespace, service) (anomaly_score{${CHOSEN}}) > 1) or vector(0)`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      single({
        title: 'Most probable root cause',
        description: 'The first of the ranking of the present incident.',
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
        description: 'When the first of the services that are anomalous now began to be.',
        unit: 'dateTimeFromNow',
        span: 4,
        expr: `min(${ONSET_MS} and on (namespace, service) anomaly_score{${CHOSEN}} > 1)`,
        noValue: 'no incident',
      }),
    )
    .withPanel(
      single({
        title: 'Scored',
        description: 'Services that have a score.',
        unit: 'short',
        span: 4,
        expr: countScored(CHOSEN),
      }),
    )
    .withPanel(
      single({
        title: 'Unmonitored',
        description: 'Services that run but are not watched, by annotation or default.',
        unit: 'short',
        span: 4,
        expr: `count(group by (namespace, service) (lorikeet_target_info{${CHOSEN}, monitored="false"})) or vector(0)`,
      }),
    )
    .withPanel(
      graph(
        {
          title: 'Services and their calls',
          description:
            'At most 200 services, anomalous ones and their neighbours first. The ring fills with red as the score passes half its threshold; the triangle marks the most probable root cause. A call tells requests a second and mean latency, and is red when its callee is anomalous.',
          span: 13,
          height: 18,
        },
        fleetGraph(),
      ),
    )
    .withPanel(
      rows({
        title: 'Anomalies',
        description: `The ${MOST_ROWS} most anomalous services. Blame is the share of the blame in the incident, signal the feature that carries most of the error.`,
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
            header: 'Share of error',
            expr: ofAnomalous(
              'topk by (namespace, service) (1, max by (namespace, service, feature) (anomaly_feature_share))',
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
        description: 'How many services are anomalous, and how many severely.',
        unit: 'short',
        span: 12,
        min: 0,
        queries: {
          anomalous: `count(max by (namespace, service) (anomaly_score{${CHOSEN}}) > 1) or vector(0)`,
          severely: `count(max by (namespace, service) (anomaly_score{${CHOSEN}}) > 3) or vector(0)`,
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Scores of services that were anomalous',
        description: 'Of the time shown, the 20 with the highest scores. 1 is the learned threshold.',
        unit: 'short',
        span: 12,
        threshold: true,
        min: 0,
        queries: {
          '{{namespace}}/{{service}}': `max by (namespace, service) (anomaly_score{${CHOSEN}}) and on (namespace, service) topk(20, max_over_time(anomaly_score{${CHOSEN}}[$__range] @ end()) > 1)`,
        },
        noValue: 'no service was anomalous',
      }),
    )
    .withPanel(
      rows({
        title: 'Services',
        description: 'All instances that run, whether they are monitored, and their present score: the 500 busiest.',
        span: 24,
        height: 10,
        labels: { namespace: 'Namespace', service: 'Service', monitored: 'Monitored', workload_kind: 'Kind' },
        columns: [
          {
            header: 'Instances',
            expr: `topk(500, count by (namespace, service, monitored, workload_kind) (lorikeet_target_info{${CHOSEN}}))`,
          },
          { header: 'Score', expr: `topk(500, max by (namespace, service) (anomaly_score{${CHOSEN}}))`, score: true },
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
