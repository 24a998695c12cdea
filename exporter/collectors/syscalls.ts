import { ALL } from '../kernel/needs.ts';
import { describeCgroupCounters, single } from './cgroup-counters.ts';

export const syscalls = describeCgroupCounters({
  name: 'syscalls',
  shows: 'system calls, mmap calls and file opens',
  offBecause: 'slows every system call of every process on the machine by 150 to 250 ns',
  programs: { sys_enter: ALL },
  families: [
    single('lorikeet_container_syscalls_total', 'System calls started.'),
    single('lorikeet_container_mmap_calls_total', 'Calls to map memory, including failed ones.'),
    single('lorikeet_container_file_opens_total', 'Calls to open a file, including failed ones.'),
  ],
});
