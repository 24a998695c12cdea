import { type DashboardBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { CHANGE_SERIES } from '../scorer/features/change-rules.ts';
import {
  board,
  choiceVariable,
  detectorVariable,
  labelsVariable,
  labelVariable,
  marks,
  SERVICE_ALERTS,
  textVariable,
} from './board.ts';
import { addInstances, markIntervals } from './instances.ts';
import { band, graph, heatMap, html, single, timeSeries } from './panels.ts';
import {
  DETECTED,
  DEVIATION,
  featureBand,
  neighbourGraph,
  ONSET_MS,
  SERVICE,
  serviceQuantile,
  serviceRate,
} from './queries.ts';

const SERVER = ', role="server"';
const CLIENT = ', role="client"';

/** One service: its score, the signals behind it, its traffic and its containers. */
export function service(): DashboardBuilder {
  const dashboard = board({
    uid: 'lorikeet-service',
    description: 'One service: score, signals behind it, neighbours, requests, connections and containers.',
    from: 'now-3h',
    alerts: `alertname=~"${SERVICE_ALERTS}", ${SERVICE}`,
    alertText: '{{severity}}',
  })
    .withVariable(labelVariable('namespace', 'Namespace', 'label_values(service:lorikeet_feature:window, namespace)'))
    .withVariable(
      labelVariable(
        'service',
        'Service',
        'label_values(service:lorikeet_feature:window{namespace="$namespace"}, service)',
      ),
    )
    .withVariable(detectorVariable())
    .withVariable(
      labelsVariable(
        'feature',
        'Feature',
        'label_values(service:lorikeet_feature:window{namespace="$namespace", service="$service"}, feature)',
      ),
    )
    .withVariable(choiceVariable('channel', 'Channel', ['red', 'green', 'blue']))
    .withVariable(choiceVariable('band', 'Normal over the last', ['1d', '6h', '1h', '7d']))
    .withVariable(textVariable('scorer', 'Scorer URL', 'http://localhost:9401'));
  markIntervals(dashboard);
  dashboard.annotation(
    marks({
      name: 'Changes',
      colour: 'blue',
      expr: `1000 * ${CHANGE_SERIES}{${SERVICE}}`,
      byValue: true,
      title: 'New {{change}}',
      text: '{{version}}',
    }),
  );
  addScore(dashboard);
  addFeatures(dashboard);
  addInstances(dashboard);
  addTraffic(dashboard);
  addContainer(dashboard);
  return dashboard;
}

function addScore(dashboard: DashboardBuilder): void {
  dashboard
    .withPanel(
      single({
        title: 'Score',
        description: '0 is normal, 1 is the threshold.',
        unit: 'short',
        span: 4,
        expr: `max(anomaly_score{${SERVICE}, ${DETECTED}})`,
        colours: 'score',
        noValue: 'no score',
      }),
    )
    .withPanel(
      single({
        title: 'Anomalous since',
        description: 'Time since the score exceeded the threshold.',
        unit: 'dateTimeFromNow',
        span: 5,
        expr: `max(${ONSET_MS}{${SERVICE}})`,
        noValue: 'not anomalous',
      }),
    )
    .withPanel(
      single({
        title: 'Root-cause rank',
        description: '1 is the most probable root cause of the current incident.',
        unit: 'short',
        span: 5,
        expr: `min(anomaly_root_cause_rank{${SERVICE}})`,
        noValue: 'not a suspect',
      }),
    )
    .withPanel(
      single({
        title: 'Requests',
        description: 'Requests that the service handles as a server.',
        unit: 'reqps',
        span: 5,
        expr: `max(service:lorikeet_feature:window{${SERVICE}, feature="request_rate", channel="red"})`,
        noValue: 'none',
      }),
    )
    .withPanel(
      single({
        title: 'Latency',
        description: 'Mean time from a request to the first byte of the response.',
        unit: 's',
        span: 5,
        expr: `max(service:lorikeet_feature:window{${SERVICE}, feature="request_latency", channel="red"})`,
        noValue: 'no requests',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Anomaly score',
        description:
          'By detector; of pods and endpoints the worst. Alerts when above 1, the dashed line, for two cycles in a row.',
        unit: 'short',
        span: 12,
        height: 9,
        threshold: true,
        min: 0,
        queries: { '{{detector}}': `max by (detector) (anomaly_score{${SERVICE}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Signals behind the anomaly',
        description: 'The three features with the largest shares of the anomaly, while the score is at least 0.5.',
        unit: 'percentunit',
        span: 12,
        height: 9,
        stacked: true,
        min: 0,
        queries: { '{{feature}}': `max by (feature) (anomaly_feature_share{${SERVICE}, ${DETECTED}})` },
        noValue: 'score below 0.5',
      }),
    );
}

function addFeatures(dashboard: DashboardBuilder): void {
  dashboard
    .withPanel(
      heatMap({
        title: 'Deviation of features',
        description:
          'Input of the model in one channel: deviation of each feature from its mean over the selected period, in standard deviations. Red is above the mean, blue below.',
        unit: 'short',
        span: 14,
        expr: DEVIATION,
        legend: '{{feature}}',
        min: -6,
        max: 6,
      }),
    )
    .withPanel(
      html(
        {
          title: 'Tensor',
          description:
            'Observed, expected by the model, and the difference, in the last cycle. Columns are features, rows are time steps, red, green and blue are the three windows. The scorer renders the image, so your browser must be able to reach its URL.',
          span: 10,
        },
        '<img alt="Tensor of $namespace/$service. If it is missing, set the variable Scorer URL." style="width: 100%" src="$scorer/tensors/$namespace/$service.png">',
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Neighbours',
          description: 'The service, its callers and its callees. Edges show requests per second and mean latency.',
          span: 24,
          height: 12,
        },
        neighbourGraph(),
      ),
    )
    .withRow(new RowBuilder('Features with their normal band'))
    .withPanel(
      band(
        {
          title: '$feature',
          description:
            'The feature in the shortest window. The band spans the 5th to 95th percentile over the selected period.',
          unit: 'short',
          span: 6,
          height: 6,
        },
        featureBand(),
      )
        .repeat('feature')
        .repeatDirection('h')
        .maxPerRow(4),
    );
}

function addTraffic(dashboard: DashboardBuilder): void {
  dashboard
    .withRow(new RowBuilder('Requests and errors'))
    .withPanel(
      timeSeries({
        title: 'Requests',
        description: 'Requests handled as a server and sent as a client.',
        unit: 'reqps',
        span: 8,
        min: 0,
        queries: { '{{role}}': serviceRate('lorikeet_requests_total', 'role') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Latency as a server',
        description: 'Time from a request to the first byte of the response.',
        unit: 's',
        span: 8,
        min: 0,
        queries: {
          p50: serviceQuantile(0.5, 'lorikeet_request_duration_seconds', SERVER),
          p90: serviceQuantile(0.9, 'lorikeet_request_duration_seconds', SERVER),
          p99: serviceQuantile(0.99, 'lorikeet_request_duration_seconds', SERVER),
        },
        noValue: 'no requests',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Latency as a client',
        description: 'Time that the service waits for responses of its callees.',
        unit: 's',
        span: 8,
        min: 0,
        queries: {
          p50: serviceQuantile(0.5, 'lorikeet_request_duration_seconds', CLIENT),
          p90: serviceQuantile(0.9, 'lorikeet_request_duration_seconds', CLIENT),
          p99: serviceQuantile(0.99, 'lorikeet_request_duration_seconds', CLIENT),
        },
        noValue: 'no calls',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Failed connects',
        description: 'Connection attempts of the service that failed, by reason.',
        unit: 'cps',
        span: 8,
        min: 0,
        queries: { '{{reason}}': serviceRate('lorikeet_tcp_connect_failures_total', 'reason') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Failures by callee',
        description: 'Failed connects and unanswered requests of the service, by callee.',
        unit: 'cps',
        span: 8,
        min: 0,
        queries: {
          '{{server_namespace}}/{{server_service}} connects':
            'sum by (server_namespace, server_service) (rate(lorikeet_edge_connect_failures_total{client_namespace="$namespace", client_service="$service"}[$__rate_interval]))',
          '{{server_namespace}}/{{server_service}} unanswered':
            'sum by (server_namespace, server_service) (rate(lorikeet_edge_unanswered_requests_total{client_namespace="$namespace", client_service="$service"}[$__rate_interval]))',
        },
        noValue: 'no calls',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Resets and retransmissions',
        description: 'TCP resets sent and received, and retransmitted segments.',
        unit: 'cps',
        span: 8,
        min: 0,
        queries: {
          'resets {{direction}}': serviceRate('lorikeet_tcp_resets_total', 'direction'),
          retransmissions: serviceRate('lorikeet_tcp_retransmitted_segments_total'),
        },
      }),
    )
    .withRow(new RowBuilder('Connections'))
    .withPanel(
      timeSeries({
        title: 'Open connections',
        description: 'Open connections, by role.',
        unit: 'short',
        span: 8,
        min: 0,
        queries: { '{{role}}': `sum by (role) (lorikeet_tcp_connections_active{${SERVICE}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Connections opened',
        description: 'Connections accepted as a server and established as a client.',
        unit: 'cps',
        span: 8,
        min: 0,
        queries: { '{{role}}': serviceRate('lorikeet_tcp_connections_opened_total', 'role') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Bytes',
        description: 'Bytes sent and received, both roles combined.',
        unit: 'Bps',
        span: 8,
        min: 0,
        queries: {
          sent: serviceRate('lorikeet_tcp_sent_bytes_total'),
          received: serviceRate('lorikeet_tcp_received_bytes_total'),
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Round-trip time',
        description: 'Median and 90th percentile of the smoothed round-trip time.',
        unit: 's',
        span: 12,
        min: 0,
        queries: {
          p50: serviceQuantile(0.5, 'lorikeet_tcp_round_trip_seconds'),
          p90: serviceQuantile(0.9, 'lorikeet_tcp_round_trip_seconds'),
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Accept queue',
        description: 'Connections waiting to be accepted, and the limit. Connections beyond the limit are dropped.',
        unit: 'short',
        span: 12,
        min: 0,
        queries: {
          'waiting on {{port}}': `sum by (port) (lorikeet_tcp_accept_queue_length{${SERVICE}})`,
          'limit on {{port}}': `sum by (port) (lorikeet_tcp_accept_queue_limit{${SERVICE}})`,
        },
        noValue: 'no listening ports',
      }),
    );
}

function addContainer(dashboard: DashboardBuilder): void {
  dashboard
    .withRow(new RowBuilder('Containers'))
    .withPanel(
      timeSeries({
        title: 'CPU',
        description: 'CPU cores used by the cgroup.',
        unit: 'short',
        span: 6,
        min: 0,
        queries: { cores: serviceRate('lorikeet_container_cpu_seconds_total') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Memory',
        description: 'Memory of the cgroup.',
        unit: 'bytes',
        span: 6,
        min: 0,
        queries: { '{{pod}}': `sum by (pod) (lorikeet_container_memory_bytes{${SERVICE}})` },
        noValue: 'not available on this kernel',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Page faults and block requests',
        description: 'User-mode page faults, and requests issued to block devices.',
        unit: 'cps',
        span: 6,
        min: 0,
        queries: {
          'page faults': serviceRate('lorikeet_container_page_faults_total'),
          'block requests': serviceRate('lorikeet_container_block_requests_total'),
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Processes',
        description: 'Processes forked, executed, exited and OOM-killed.',
        unit: 'cps',
        span: 6,
        min: 0,
        queries: { '{{event}}': serviceRate('lorikeet_container_process_events_total', 'event') },
      }),
    );
}
