import { expect, test } from 'vitest';
import { addMissed } from './probes.ts';

test('what a busy program missed is lost, but for those that have a twin', () => {
  const lost = new Map([
    ['requests', 2],
    ['edges', 1],
  ]);
  const programs = [
    { name: 'inet_sock_set_state', recursionMisses: 50 },
    { name: 'inet_sock_set_state_nested', recursionMisses: 7 },
    { name: 'tcp_sendmsg', recursionMisses: 3 },
    { name: 'tcp_recvmsg', recursionMisses: 4 },
  ];
  expect(Object.fromEntries(addMissed(lost, programs))).toEqual({ requests: 9, edges: 1 });
});
