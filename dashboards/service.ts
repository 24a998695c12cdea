import { type DashboardBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, choiceVariable, labelsVariable, labelVariable, textVariable } from './board.ts';
import { band, graph, heatMap, html, single, timeSeries } from './panels.ts';
import { DEVIATION, featureBand, neighbourGraph, ONSET_MS, SERVICE, serviceQuantile, serviceRate } from './queries.ts';

const SERVER = ', role="server"';
const CLIENT = ', role="client"';

/** One service: how unlike itself it is, which signals say so, and what it does. */
export function service(): DashboardBuilder {
  const dashboard = board({
    uid: 'lorikeet-service',
    description: 'One service: its score, the signals that make it, its neighbours, and what it does on its sockets.',
    from: 'now-3h',
    alerts: 'alertname=~"ServiceAnomalous|ServiceSeverelyAnomalous", namespace="$namespace", service="$service"',
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
    .withVariable(
      labelsVariable(
        'feature',
        'Feature',
        'label_values(service:lorikeet_feature:window{namespace="$namespace", service="$service"}, feature)',
      ),
    )
    .withVariable(choiceVariable('channel', 'Channel', ['red', 'green', 'blue']))
    .withVariable(choiceVariable('band', 'Normal of the last', ['1d', '6h', '1h', '7d']))
    .withVariable(textVariable('scorer', 'Address of the scorer', 'http://localhost:9401'));
  addScore(dashboard);
  addFeatures(dashboard);
  addTraffic(dashboard);
  addContainer(dashboard);
  return dashboard;
}

function addScore(dashboard: DashboardBuilder): void {
  dashboard
    .withPanel(
      single({
        title: 'Score',
        description: '0 as expected, 1 at the learned threshold.',
        unit: 'short',
        span: 4,
        expr: `max(anomaly_score{${SERVICE}})`,
        colours: 'score',
        noValue: 'no score',
      }),
    )
    .withPanel(
      single({
        title: 'Anomalous since',
        description: 'When the score passed the threshold.',
        unit: 'dateTimeFromNow',
        span: 5,
        expr: `max(${ONSET_MS}{${SERVICE}})`,
        noValue: 'not anomalous',
      }),
    )
    .withPanel(
      single({
        title: 'Rank as root cause',
        description: '1 is the most probable root cause of the present incident.',
        unit: 'short',
        span: 5,
        expr: `min(anomaly_root_cause_rank{${SERVICE}})`,
        noValue: 'not suspected',
      }),
    )
    .withPanel(
      single({
        title: 'Requests',
        description: 'Requests that the service answers.',
        unit: 'reqps',
        span: 5,
        expr: `max(service:lorikeet_feature:window{${SERVICE}, feature="request_rate", channel="red"})`,
        noValue: 'none',
      }),
    )
    .withPanel(
      single({
        title: 'Latency',
        description: 'Mean time from a request to the first byte of its answer.',
        unit: 's',
        span: 5,
        expr: `max(service:lorikeet_feature:window{${SERVICE}, feature="request_latency", channel="red"})`,
        noValue: 'no requests',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Anomaly score',
        description: 'Above 1, the dashed line, for two cycles in a row the service alerts.',
        unit: 'short',
        span: 12,
        height: 9,
        threshold: true,
        min: 0,
        queries: { '{{detector}}': `anomaly_score{${SERVICE}}` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Which signals carry the error',
        description: 'The three features with the largest shares, told while the score is 0.5 or more.',
        unit: 'percentunit',
        span: 12,
        height: 9,
        stacked: true,
        min: 0,
        queries: { '{{feature}}': `max by (feature) (anomaly_feature_share{${SERVICE}})` },
        noValue: 'nothing to explain',
      }),
    );
}

function addFeatures(dashboard: DashboardBuilder): void {
  dashboard
    .withPanel(
      heatMap({
        title: 'Features off their normal',
        description:
          'What the model sees of one channel: each feature in standard deviations off its mean over the chosen time. Red is more than normal, blue less.',
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
          title: 'The tensor',
          description:
            'As observed, as the model expected, and the difference, at the last cycle. Columns are features, rows steps back in time, red, green and blue the three windows. Drawn by the scorer, so its address must be reachable from your browser.',
          span: 10,
        },
        '<img alt="The tensor of $namespace/$service; see the variable for the address of the scorer." style="width: 100%" src="$scorer/tensors/$namespace/$service.png">',
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Neighbours',
          description:
            'The service, whoever calls it and whom it calls. A call tells requests a second and mean latency.',
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
            'The feature in the shortest window; nine tenths of its values of the chosen time are within the band.',
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
        description: 'Requests answered as a server and sent as a client.',
        unit: 'reqps',
        span: 8,
        min: 0,
        queries: { '{{role}}': serviceRate('lorikeet_requests_total', 'role') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Latency as a server',
        description: 'Time from a request to the first byte of its answer.',
        unit: 's',
        span: 8,
        min: 0,
        queries: {
          p50: serviceQuantile(0.5, 'lorikeet_request_duration_seconds', SERVER),
          p90: serviceQuantile(0.9, 'lorikeet_request_duration_seconds', SERVER),
          p99: serviceQuantile(0.99, 'lorikeet_request_duration_seconds', SERVER),
        },
        noValue: 'answers nobody',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Latency as a client',
        description: 'How long it waits for those whom it calls.',
        unit: 's',
        span: 8,
        min: 0,
        queries: {
          p50: serviceQuantile(0.5, 'lorikeet_request_duration_seconds', CLIENT),
          p90: serviceQuantile(0.9, 'lorikeet_request_duration_seconds', CLIENT),
          p99: serviceQuantile(0.99, 'lorikeet_request_duration_seconds', CLIENT),
        },
        noValue: 'calls nobody',
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
        description:
          'Connects that failed and requests that were never answered, as the service saw those whom it calls.',
        unit: 'cps',
        span: 8,
        min: 0,
        queries: {
          '{{server_namespace}}/{{server_service}} connects':
            'sum by (server_namespace, server_service) (rate(lorikeet_edge_connect_failures_total{client_namespace="$namespace", client_service="$service"}[$__rate_interval]))',
          '{{server_namespace}}/{{server_service}} unanswered':
            'sum by (server_namespace, server_service) (rate(lorikeet_edge_unanswered_requests_total{client_namespace="$namespace", client_service="$service"}[$__rate_interval]))',
        },
        noValue: 'calls nobody',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Resets and retransmissions',
        description: 'Resets sent and received, and segments sent again.',
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
        description: 'Connections open now.',
        unit: 'short',
        span: 8,
        min: 0,
        queries: { '{{role}}': `sum by (role) (lorikeet_tcp_connections_active{${SERVICE}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Connections opened',
        description: 'Connections established, accepted as a server and made as a client.',
        unit: 'cps',
        span: 8,
        min: 0,
        queries: { '{{role}}': serviceRate('lorikeet_tcp_connections_opened_total', 'role') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Bytes',
        description: 'Bytes sent and received, both roles together.',
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
        description: 'Smoothed round-trip time of its connections, half and nine tenths of them.',
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
        description: 'Connections that wait to be accepted beside how many may; the next is dropped.',
        unit: 'short',
        span: 12,
        min: 0,
        queries: {
          'waiting on {{port}}': `sum by (port) (lorikeet_tcp_accept_queue_length{${SERVICE}})`,
          'limit on {{port}}': `sum by (port) (lorikeet_tcp_accept_queue_limit{${SERVICE}})`,
        },
        noValue: 'listens nowhere',
      }),
    );
}

function addContainer(dashboard: DashboardBuilder): void {
  dashboard
    .withRow(new RowBuilder('Containers'))
    .withPanel(
      timeSeries({
        title: 'CPU',
        description: 'Processor time of its cgroup, cores.',
        unit: 'short',
        span: 6,
        min: 0,
        queries: { cores: serviceRate('lorikeet_container_cpu_seconds_total') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Memory',
        description: 'Memory of its cgroup.',
        unit: 'bytes',
        span: 6,
        min: 0,
        queries: { '{{pod}}': `sum by (pod) (lorikeet_container_memory_bytes{${SERVICE}})` },
        noValue: 'not known on this kernel',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Page faults and block requests',
        description: 'Page faults outside of system calls, and requests issued to block devices.',
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
        description: 'Processes born, ended and killed for want of memory.',
        unit: 'cps',
        span: 6,
        min: 0,
        queries: { '{{event}}': serviceRate('lorikeet_container_process_events_total', 'event') },
      }),
    );
}
