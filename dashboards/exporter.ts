import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, labelsVariable } from './board.ts';
import { rows, single, timeSeries } from './panels.ts';
import { processCpu, processMemory } from './process-panels.ts';

const CHOSEN = 'instance=~"$instance"';
/** The exporter's process metrics have no prefix, so the job selects them. */
const PROCESS = `job="lorikeet-exporter", ${CHOSEN}`;

/** Health of the exporters: availability, resource usage and lost events. */
export function exporter(): DashboardBuilder {
  return board({
    uid: 'lorikeet-exporter',
    description: 'Health of the exporters: availability, resource usage and lost events.',
    from: 'now-6h',
    alerts: 'alertname=~"LorikeetExporter.+"',
    alertText: '{{instance}} {{collector}}{{map}}',
  })
    .withVariable(labelsVariable('instance', 'Instance', 'label_values(up{job="lorikeet-exporter"}, instance)'))
    .withPanel(
      single({
        title: 'Up',
        description: 'Exporters that Prometheus can scrape.',
        unit: 'short',
        span: 3,
        expr: `sum(up{${PROCESS}})`,
      }),
    )
    .withPanel(
      single({
        title: 'Down',
        description: 'Exporters that Prometheus cannot scrape.',
        unit: 'short',
        span: 3,
        expr: `count(up{${PROCESS}} == 0) or vector(0)`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      single({
        title: 'Failing collectors',
        description: 'Collectors that failed in the last scrape.',
        unit: 'short',
        span: 3,
        expr: `count(lorikeet_exporter_collector_success{${CHOSEN}} == 0) or vector(0)`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      single({
        title: 'Programs not running',
        description:
          'BPF programs that the kernel refuses or has no hook for. The log lists what is lost without each.',
        unit: 'short',
        span: 3,
        expr: `count(lorikeet_exporter_bpf_program_running{${CHOSEN}} == 0) or vector(0)`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      single({
        title: 'Lost events',
        description:
          'Events not counted in the last hour because a kernel map was full or memory could not be allocated.',
        unit: 'short',
        span: 4,
        expr: `sum(increase(lorikeet_exporter_lost_events_total{${CHOSEN}}[1h]))`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      single({
        title: 'Series',
        description: 'Series in the last scrapes, without the metrics about the exporters themselves.',
        unit: 'short',
        span: 4,
        expr: `sum(lorikeet_exporter_series{${CHOSEN}})`,
      }),
    )
    .withPanel(
      single({
        title: 'Targets files rejected',
        description: 'Exporters whose last reload of the targets file failed.',
        unit: 'short',
        span: 4,
        expr: `count(lorikeet_exporter_targets_last_reload_successful{${CHOSEN}} == 0) or vector(0)`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      processCpu({
        description:
          'CPU cores used by the exporters. BPF programs run in, and are charged to, the processes that they interrupt.',
        span: 8,
        matchers: PROCESS,
      }),
    )
    .withPanel(processMemory({ description: 'Resident memory.', span: 8, matchers: PROCESS }))
    .withPanel(
      timeSeries({
        title: 'Scrape duration',
        description: 'Duration of a scrape as seen by Prometheus.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (scrape_duration_seconds{${PROCESS}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Kernel map usage',
        description: 'Share of entries in use on the exporter where it is highest. Events are lost when a map is full.',
        unit: 'percentunit',
        span: 12,
        min: 0,
        queries: {
          '{{map}}': `max by (map) (lorikeet_exporter_bpf_map_entries{${CHOSEN}} / lorikeet_exporter_bpf_map_capacity{${CHOSEN}})`,
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Lost events over time',
        description: 'Events that were not counted, by kernel map.',
        unit: 'cps',
        span: 12,
        min: 0,
        queries: { '{{map}}': `sum by (map) (rate(lorikeet_exporter_lost_events_total{${CHOSEN}}[$__rate_interval]))` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Collector duration',
        description: 'Duration of each collector on the slowest exporter.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{collector}}': `max by (collector) (lorikeet_exporter_collector_duration_seconds{${CHOSEN}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Unattributed connections',
        description: 'Open connections of cgroups that belong to no target.',
        unit: 'short',
        span: 8,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (lorikeet_exporter_unattributed_sockets{${CHOSEN}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Cut off by limits',
        description: 'External peers and listening ports counted as "other" because a limit was reached.',
        unit: 'cps',
        span: 8,
        min: 0,
        queries: {
          peers: `sum(rate(lorikeet_exporter_external_peers_cut_total{${CHOSEN}}[$__rate_interval]))`,
          ports: `sum(rate(lorikeet_exporter_ports_cut_total{${CHOSEN}}[$__rate_interval]))`,
        },
      }),
    )
    .withPanel(
      rows({
        title: 'Exporters',
        description: 'Version, series and memory of each exporter.',
        span: 24,
        labels: { instance: 'Instance', version: 'Version', node_version: 'Node.js' },
        columns: [
          {
            header: 'Running',
            expr: `max by (instance, version, node_version) (lorikeet_exporter_build_info{${CHOSEN}})`,
          },
          { header: 'Series', expr: `max by (instance) (lorikeet_exporter_series{${CHOSEN}})` },
          { header: 'Memory', expr: `max by (instance) (process_resident_memory_bytes{${PROCESS}})`, unit: 'bytes' },
        ],
        sortBy: 'Series',
      }),
    );
}
