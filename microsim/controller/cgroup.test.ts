import { describe, expect, it } from 'vitest';
import { CgroupError, cgroupTree, findCgroupMount, processesIn } from './cgroup.ts';

describe('findCgroupMount', () => {
  it.each([
    ['cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n', '/sys/fs/cgroup'],
    [
      'cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n',
      '/sys/fs/cgroup/unified',
    ],
    ['none /mnt/my\\040cgroups cgroup2 rw 0 0\n', '/mnt/my cgroups'],
  ])('finds it in %j', (mounts, path) => {
    expect(findCgroupMount(mounts)).toBe(path);
  });

  it('fails without a cgroup2 mount', () => {
    expect(() => findCgroupMount('cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n')).toThrow(CgroupError);
  });
});

describe('a cgroup that is not there', () => {
  it('has no processes and no tree', () => {
    const path = `${findCgroupMount()}/no-such-cgroup-${process.pid}`;
    expect(processesIn(path)).toEqual([]);
    expect(cgroupTree(path)).toEqual([]);
  });
});
