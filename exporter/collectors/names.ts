/** The collectors, in the order of /metrics, and what each shows. */
export const COLLECTORS = {
  requests: 'requests and their durations',
  http_status: 'responses of plain-text HTTP by class of status',
  connections: 'TCP connections',
  edges: 'who asks whom',
  accept_queues: 'the accept queues of listening ports',
  container: 'CPU and memory',
  page_faults: 'page faults',
  block_requests: 'requests to block devices',
  process_events: 'processes that begin, execute a program, end, or are killed for want of memory',
  syscalls: 'system calls, mmap calls and file opens',
  target_info: 'the instances on this machine',
} as const;
export type CollectorName = keyof typeof COLLECTORS;
export const COLLECTOR_NAMES = Object.keys(COLLECTORS) as readonly CollectorName[];
