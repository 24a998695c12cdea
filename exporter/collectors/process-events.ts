import { ALL } from '../kernel/needs.ts';
import { cgroupCountersCollector, type CounterFamily } from './cgroup-counters.ts';
import { describeCollector } from './descriptor.ts';

/** In the order of the words of the kernel map `process_events` (bpf/container.h). */
export const PROCESS_EVENTS_FAMILIES: readonly CounterFamily[] = [
  {
    name: 'lorikeet_container_process_events_total',
    help: 'Process events: forks, execs, exits and OOM kills.',
    labels: ['fork', 'exec', 'exit', 'oom_kill'].map((event) => `event="${event}"`),
  },
];

export const processEvents = describeCollector({
  name: 'process_events',
  shows: 'forks, execs, exits and OOM kills of processes',
  programs: { sched_process_fork: ALL, sched_process_exec: ALL, sched_process_exit: ALL },
  maps: { process_events: ({ maxServices }) => maxServices },
  lostSlot: 'process_events',
  make: ({ directory, probes, now }) =>
    cgroupCountersCollector({
      name: 'process_events',
      families: PROCESS_EVENTS_FAMILIES,
      directory,
      map: probes.map('process_events'),
      now,
    }),
});
