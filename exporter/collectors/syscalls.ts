import { ALL } from '../kernel/needs.ts';
import { cgroupCountersCollector, single, type CounterFamily } from './cgroup-counters.ts';
import { describeCollector } from './descriptor.ts';

/** In the order of the words of the kernel map `syscalls` (bpf/container.h). */
export const SYSCALLS_FAMILIES: readonly CounterFamily[] = [
  single('lorikeet_container_syscalls_total', 'System calls started.'),
  single('lorikeet_container_mmap_calls_total', 'Calls to map memory, including failed ones.'),
  single('lorikeet_container_file_opens_total', 'Calls to open a file, including failed ones.'),
];

export const syscalls = describeCollector({
  name: 'syscalls',
  shows: 'system calls, mmap calls and file opens',
  offBecause: 'slows every system call of every process on the machine by 150 to 250 ns',
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
