import { expect, test } from 'vitest';
import { ALL } from './needs.ts';
import { addMissed, lostMaps } from './lost-events.ts';

test('events skipped by the kernel count as lost for the map of the program, unless it has a twin', () => {
  const lost = new Map([
    ['services', 2],
    ['edges', 1],
  ]);
  const programs = [
    { name: 'inet_sock_set_state', recursionMisses: 50 },
    { name: 'inet_sock_set_state_nested', recursionMisses: 7 },
    { name: 'tcp_sendmsg', recursionMisses: 3 },
    { name: 'tcp_recvmsg', recursionMisses: 4 },
    { name: 'sched_process_fork', recursionMisses: 1 },
    { name: 'sched_process_exit', recursionMisses: 2 },
    { name: 'block_rq_issue', recursionMisses: 5 },
  ];
  const maps = lostMaps([
    { name: 'requests', programs: { tcp_sendmsg: ALL } },
    {
      name: 'process_events',
      programs: { sched_process_fork: ALL, sched_process_exit: ALL },
      lostMap: 'process_events',
    },
    { name: 'block_requests', programs: { block_rq_issue: ALL }, lostMap: 'block_requests' },
  ]);
  expect(Object.fromEntries(addMissed(lost, programs, maps))).toEqual({
    services: 9,
    edges: 1,
    process_events: 3,
    block_requests: 5,
  });
});
