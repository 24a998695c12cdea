import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { REFUSAL_REASONS } from '../../daemon/refusals/refusals.ts';
import { buildLabels } from '../../daemon/version.ts';
import { SelfMetrics } from './self-metrics.ts';

it('exports the last state, in a format that promtool accepts', async () => {
  const self = new SelfMetrics();
  self.collector({ name: 'edges', success: true, seconds: 0.5 });
  self.collector({ name: 'edges', success: false, seconds: 0.25 });
  self.map('edges', 7, 16384);
  self.map('tcp', 0, 8192);
  self.lost(new Map([['edges', 3]]));
  self.lost(new Map([['edges', 5]]));
  self.unmonitored(new Map([['edges', 8]]));
  self.unattributedEvents(new Map([['reset', 6]]));
  self.portCut();
  self.unattributed(4);
  self.series(20_000);
  self.externalPeerCut();
  self.externalPeerCut();
  self.targetsReload(true);
  self.targetsReload(false);
  self.targetsWithoutCgroup(3);
  const text = await self.registry.metrics();
  const own = text.split('\n').filter((line) => line.startsWith('lorikeet_'));
  const build = Object.entries(buildLabels()).map(([name, value]) => `${name}="${value}"`);
  expect(own).toEqual([
    'lorikeet_exporter_collector_success{collector="edges"} 0',
    'lorikeet_exporter_collector_duration_seconds{collector="edges"} 0.25',
    'lorikeet_exporter_bpf_map_entries{map="edges"} 7',
    'lorikeet_exporter_bpf_map_entries{map="tcp"} 0',
    'lorikeet_exporter_bpf_map_capacity{map="edges"} 16384',
    'lorikeet_exporter_bpf_map_capacity{map="tcp"} 8192',
    'lorikeet_exporter_lost_events_total{map="edges"} 5',
    'lorikeet_exporter_unmonitored_rows_refused_total{map="edges"} 8',
    'lorikeet_exporter_unattributed_events_total{event="reset"} 6',
    'lorikeet_exporter_ports_cut_total 1',
    'lorikeet_exporter_unattributed_sockets 4',
    'lorikeet_exporter_series 20000',
    'lorikeet_exporter_external_peers_cut_total 2',
    `lorikeet_exporter_build_info{${build.join(',')}} 1`,
    'lorikeet_exporter_log_lines_dropped_total 0',
    ...REFUSAL_REASONS.map((reason) => `lorikeet_exporter_web_refusals_total{reason="${reason}"} 0`),
    'lorikeet_exporter_targets_last_reload_successful 0',
    'lorikeet_exporter_targets_without_cgroup 3',
  ]);
  for (const name of ['process_resident_memory_bytes', 'process_cpu_seconds_total', 'process_open_fds']) {
    expect(text).toContain(`\n${name} `);
  }
  const lint = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  expect([lint.status, lint.stdout, lint.stderr]).toEqual([0, '', '']);
});
