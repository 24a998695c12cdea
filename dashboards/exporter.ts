import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, labelsVariable } from './board.ts';
import { rows, single, timeSeries } from './panels.ts';

const CHOSEN = 'instance=~"$instance"';
/** The exporter's process metrics have no prefix of their own. */
const PROCESS = `job="lorikeet-exporter", ${CHOSEN}`;

/** Do the exporters answer, what do they cost, and is anything lost? */
export function exporter(): DashboardBuilder {
  return board({
    uid: 'lorikeet-exporter',
    description: 'The exporters: whether they answer, what they cost, and whether anything goes uncounted.',
    from: 'now-6h',
    alerts: 'alertname=~"LorikeetExporter.+"',
    alertText: '{{instance}} {{collector}}{{map}}',
  })
    .withVariable(labelsVariable('instance', 'Instance', 'label_values(up{job="lorikeet-exporter"}, instance)'))
    .withPanel(
      single({
        title: 'Answering',
        description: 'Exporters that Prometheus can scrape.',
        unit: 'short',
        span: 3,
        expr: `sum(up{${PROCESS}})`,
      }),
    )
    .withPanel(
      single({
        title: 'Down',
        description: 'Exporters that Prometheus can not scrape.',
        unit: 'short',
        span: 3,
        expr: `count(up{${PROCESS}} == 0) or vector(0)`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      single({
        title: 'Failing collectors',
        description: 'Collectors that failed at the last scrape.',
        unit: 'short',
        span: 3,
        expr: `count(lorikeet_exporter_collector_success{${CHOSEN}} == 0) or vector(0)`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      single({
        title: 'Programs not running',
        description: 'Kernel programs that their machines refuse or have no hook for; the log says what each costs.',
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
          'Events that were not counted in the last hour because a kernel map was full or there was no memory.',
        unit: 'short',
        span: 4,
        expr: `sum(increase(lorikeet_exporter_lost_events_total{${CHOSEN}}[1h]))`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      single({
        title: 'Series',
        description: 'Series of the last scrapes, those about the exporters themselves left out.',
        unit: 'short',
        span: 4,
        expr: `sum(lorikeet_exporter_series{${CHOSEN}})`,
      }),
    )
    .withPanel(
      single({
        title: 'Targets files rejected',
        description: 'Exporters that could not use their targets file when it was read last.',
        unit: 'short',
        span: 4,
        expr: `count(lorikeet_exporter_targets_last_reload_successful{${CHOSEN}} == 0) or vector(0)`,
        colours: 'none wanted',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Processor time',
        description:
          'Cores in user space and for system calls; what BPF programs take is in the processes that they interrupt.',
        unit: 'short',
        span: 8,
        min: 0,
        queries: {
          '{{instance}}': `sum by (instance) (rate(process_cpu_seconds_total{${PROCESS}}[$__rate_interval]))`,
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Memory',
        description: 'Resident memory.',
        unit: 'bytes',
        span: 8,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (process_resident_memory_bytes{${PROCESS}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Scrape duration',
        description: 'How long Prometheus waited for a scrape.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (scrape_duration_seconds{${PROCESS}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Fill of kernel maps',
        description: 'The share of rows in use, the fullest exporter. What finds no row is lost.',
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
        description: 'What was not counted, by kernel map.',
        unit: 'cps',
        span: 12,
        min: 0,
        queries: { '{{map}}': `sum by (map) (rate(lorikeet_exporter_lost_events_total{${CHOSEN}}[$__rate_interval]))` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Collectors',
        description: 'How long each collector took, the slowest exporter.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{collector}}': `max by (collector) (lorikeet_exporter_collector_duration_seconds{${CHOSEN}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Nobody’s',
        description: 'Open connections of cgroups that belong to no target.',
        unit: 'short',
        span: 8,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (lorikeet_exporter_unattributed_sockets{${CHOSEN}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Cut by limits',
        description: 'External peers and listening ports counted as "other".',
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
        description: 'Each exporter with its version and what it serves.',
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
