import { expect, it } from 'vitest';
import { LoopbackListeners } from './loopback.ts';

const at = (cgroup: bigint, port: number, netns = 1) => ({ cgroup, port, netns });

it('finds the cgroups that listen on a port, by network namespace', () => {
  const listeners = new LoopbackListeners();
  listeners.update([at(5n, 80), at(6n, 80), at(5n, 80), at(7n, 80, 2)]);
  expect(listeners.find(1, 80)).toEqual([5n, 6n]);
  expect(listeners.find(2, 80)).toEqual([7n]);
  expect(listeners.find(2, 81)).toEqual([]);
});

it('changes its version only when an answer changes, and keeps the last one', () => {
  const listeners = new LoopbackListeners();
  expect(listeners.find(1, 80)).toEqual([]);
  listeners.update([at(5n, 81)]);
  expect(listeners.version).toBe(0);
  listeners.update([at(5n, 80)]);
  expect([listeners.version, listeners.find(1, 80)]).toEqual([1, [5n]]);
  listeners.update([]);
  expect([listeners.version, listeners.find(1, 80)]).toEqual([1, [5n]]);
  listeners.update([at(6n, 80)]);
  expect([listeners.version, listeners.find(1, 80)]).toEqual([2, [6n]]);
});
