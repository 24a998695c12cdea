import { describe, expect, it } from 'vitest';
import { CgroupError, cgroupTree, findCgroupMount, processesIn } from './cgroup.ts';

it('needs a cgroup2 mount', () => {
  expect(() => findCgroupMount('cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n')).toThrow(CgroupError);
});

describe('a cgroup that is not there', () => {
  it('has no processes and no tree', () => {
    const path = `${findCgroupMount()}/no-such-cgroup-${process.pid}`;
    expect(processesIn(path)).toEqual([]);
    expect(cgroupTree(path)).toEqual([]);
  });
});
