import { ALL } from '../kernel/needs.ts';
import { describeCgroupCounters, single } from './cgroup-counters.ts';

export const pageFaults = describeCgroupCounters({
  name: 'page_faults',
  shows: 'page faults',
  programs: { page_fault_user: ALL },
  families: [single('lorikeet_container_page_faults_total', 'Page faults of processes in user mode.')],
});
