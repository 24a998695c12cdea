import { ALL } from '../kernel/needs.ts';
import { describeCgroupCounters } from './cgroup-counters.ts';

export const processEvents = describeCgroupCounters({
  name: 'process_events',
  shows: 'forks, execs, exits and OOM kills of processes',
  programs: { sched_process_fork: ALL, sched_process_exec: ALL, sched_process_exit: ALL },
  families: [
    {
      name: 'lorikeet_container_process_events_total',
      help: 'Process events: forks, execs, exits and OOM kills.',
      labels: ['fork', 'exec', 'exit', 'oom_kill'].map((event) => `event="${event}"`),
    },
  ],
});
