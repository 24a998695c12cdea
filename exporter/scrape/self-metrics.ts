import { Counter, Gauge, Registry } from 'prom-client';
import { collectProcessMetrics } from '../../daemon/process-metrics.ts';
import type { CollectorOutcome } from './collector.ts';
import type { KubernetesSource } from '../identity/kubernetes/kubernetes-source.ts';
import { KubernetesMetrics } from './kubernetes-metrics.ts';

const PREFIX = 'lorikeet_exporter_';

/** Metrics about the exporter and its process. */
export class SelfMetrics {
  /** For `Exposition.append`. */
  readonly registry = new Registry();
  readonly #success = this.#gauge('collector_success', 'Whether the collector succeeded in this scrape.', 'collector');
  readonly #duration = this.#gauge(
    'collector_duration_seconds',
    'Duration of the collector in this scrape.',
    'collector',
  );
  readonly #parts = this.#gauge(
    'scrape_part_success',
    'Whether a part of the scrape other than collectors succeeded: targets, or kernel maps.',
    'part',
  );
  readonly #mapEntries = this.#gauge('bpf_map_entries', 'Entries in the kernel map.', 'map');
  readonly #mapCapacity = this.#gauge('bpf_map_capacity', 'Maximum entries in the kernel map.', 'map');
  readonly #programs = this.#gauge(
    'bpf_program_running',
    'Whether the BPF program of an enabled collector is running.',
    'program',
  );
  readonly #lost = this.#counter(
    'lost_events_total',
    'Events not counted: a kernel map was full, an older socket has an unknown role, or splice() read a request.',
    'map',
  );
  readonly #unmonitored = this.#counter(
    'unmonitored_rows_refused_total',
    'Rows of the kernel map refused to cgroups that belong to no monitored target. No monitored service loses events.',
    'map',
  );
  readonly #unattributedEvents = this.#counter(
    'unattributed_events_total',
    'Events not counted because they cannot be attributed, such as resets sent for packets without a connection.',
    'event',
  );
  readonly #portsCut = this.#counter(
    'ports_cut_total',
    'Listening ports counted as "other" because the limit was reached.',
  );
  readonly #unattributed = this.#gauge('unattributed_sockets', 'Open connections of cgroups that belong to no target.');
  readonly #series = this.#gauge('series', "Series in this scrape, without the exporter's own metrics.");
  readonly #cut = this.#counter(
    'external_peers_cut_total',
    'External peers counted as "other" because a limit was reached.',
  );
  #reloadSuccessful: Gauge | undefined;
  #withoutCgroup: Gauge | undefined;
  #kubernetes: KubernetesMetrics | undefined;

  constructor() {
    collectProcessMetrics(this.registry, PREFIX);
  }

  #gauge<L extends string>(name: string, help: string, ...labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }

  #counter<L extends string>(name: string, help: string, ...labelNames: readonly L[]): Counter<L> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }

  collector({ name, success, seconds }: CollectorOutcome): void {
    this.#success.set({ collector: name }, success ? 1 : 0);
    this.#duration.set({ collector: name }, seconds);
  }

  part(name: string, success: boolean): void {
    this.#parts.set({ part: name }, success ? 1 : 0);
  }

  programs(running: ReadonlyMap<string, boolean>): void {
    for (const [program, runs] of running) this.#programs.set({ program }, runs ? 1 : 0);
  }

  map(name: string, entries: number, capacity: number): void {
    this.#mapEntries.set({ map: name }, entries);
    this.#mapCapacity.set({ map: name }, capacity);
  }

  /** `totals` are the kernel's own counts since the start. */
  lost(totals: ReadonlyMap<string, number>): void {
    this.#lost.reset();
    for (const [map, total] of totals) this.#lost.inc({ map }, total);
  }

  /** `totals` are counts since the start. */
  unmonitored(totals: ReadonlyMap<string, number>): void {
    this.#unmonitored.reset();
    for (const [map, total] of totals) this.#unmonitored.inc({ map }, total);
  }

  /** `totals` are the kernel's own counts since the start. */
  unattributedEvents(totals: ReadonlyMap<string, number>): void {
    this.#unattributedEvents.reset();
    for (const [event, total] of totals) this.#unattributedEvents.inc({ event }, total);
  }

  portCut(): void {
    this.#portsCut.inc();
  }

  unattributed(connections: number): void {
    this.#unattributed.set(connections);
  }

  series(count: number): void {
    this.#series.set(count);
  }

  externalPeerCut(): void {
    this.#cut.inc();
  }

  targetsReload(successful: boolean): void {
    this.#reloadSuccessful ??= this.#gauge(
      'targets_last_reload_successful',
      'Whether the last reload of the targets file succeeded.',
    );
    this.#reloadSuccessful.set(successful ? 1 : 0);
  }

  targetsWithoutCgroup(count: number): void {
    this.#withoutCgroup ??= this.#gauge(
      'targets_without_cgroup',
      'Targets of the targets file whose cgroup does not exist: not started yet, or a wrong path.',
    );
    this.#withoutCgroup.set(count);
  }

  kubernetes(source: KubernetesSource): void {
    this.#kubernetes ??= new KubernetesMetrics(this.registry);
    this.#kubernetes.update(source);
  }
}
