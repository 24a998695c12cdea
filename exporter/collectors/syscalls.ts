import { ALL } from '../kernel/needs.ts';
import { cgroupCountersCollector, single, type CounterFamily } from './cgroup-counters.ts';
import { describeCollector } from './descriptor.ts';

/** In the order of the words of the kernel map `syscalls` (bpf/container.h). */
export const SYSCALLS_FAMILIES: readonly CounterFamily[] = [
  single('lorikeet_container_syscalls_total', 'System calls begun.'),
  single('lorikeet_container_mmap_calls_total', 'Calls to map memory, failed ones too.'),
  single('lorikeet_container_file_opens_total', 'Calls to open a file, failed ones too.'),
];

export const syscalls = describeCollector({
  name: 'syscalls',
  shows: 'system calls, mmap calls and file opens',
  offBecause: 'every system call of every process on the machine takes 150 to 250 ns longer',
  programs: { sys_enter: ALL },
  maps: { syscalls: ({ maxServices }) => maxServices },
  lostSlot: 'syscalls',
  make: ({ directory, probes, now }) =>
    cgroupCountersCollector({
      name: 'syscalls',
      families: SYSCALLS_FAMILIES,
      directory,
      map: probes.map('syscalls'),
      now,
    }),
});
