import { ALL } from '../kernel/needs.ts';
import { describeCgroupCounters, single } from './cgroup-counters.ts';

export const blockRequests = describeCgroupCounters({
  name: 'block_requests',
  shows: 'requests to block devices',
  hierarchy: 'io',
  programs: { block_rq_issue: ALL },
  families: [single('lorikeet_container_block_requests_total', 'Requests issued to block devices.')],
});
