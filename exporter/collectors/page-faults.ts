import { ALL } from '../kernel/needs.ts';
import { cgroupCountersCollector, single, type CounterFamily } from './cgroup-counters.ts';
import { describeCollector } from './descriptor.ts';

/** In the order of the words of the kernel map `page_faults` (bpf/container.h). */
export const PAGE_FAULTS_FAMILIES: readonly CounterFamily[] = [
  single('lorikeet_container_page_faults_total', 'Page faults of processes in user mode.'),
];

export const pageFaults = describeCollector({
  name: 'page_faults',
  shows: 'page faults',
  programs: { page_fault_user: ALL },
  maps: { page_faults: ({ maxServices }) => maxServices },
  lostSlot: 'page_faults',
  make: ({ directory, probes, now }) =>
    cgroupCountersCollector({
      name: 'page_faults',
      families: PAGE_FAULTS_FAMILIES,
      directory,
      map: probes.map('page_faults'),
      now,
    }),
});
