import { describe, expect, it } from 'vitest';
import { cgroupPath, cgroupRoots } from './cgroup-path.ts';

const UNIFIED = cgroupRoots(undefined, [{ path: '/sys/fs/cgroup', version: 2 }]);
const HYBRID = cgroupRoots('/host/cg/', [
  { path: '/sys/fs/cgroup/memory', version: 1 },
  { path: '/sys/fs/cgroup/unified', version: 2 },
]);

describe('cgroupPath', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['//a///b', '/a/b'],
    ['/a/./b/', '/a/b'],
    ['/a b/ü\\x2d.service', '/a b/ü\\x2d.service'],
    ['/a/..b/...', '/a/..b/...'],
    ['/sys/fs/cgroup/a/b', '/a/b'],
    ['/sys//fs/cgroup/./a', '/a'],
    ['/sys/fs/cgroup/unified/a', '/unified/a'],
    ['/sys/fs/cgroups/a', '/sys/fs/cgroups/a'],
    ['/sys/fs/a', '/sys/fs/a'],
  ])('%s is %s', (text, path) => expect(cgroupPath(text, UNIFIED)).toEqual({ path }));

  it.each([
    ['/sys/fs/cgroup/unified/a', '/a'],
    ['/sys/fs/cgroup/memory/a', '/a'],
    ['/sys/fs/cgroup/a', '/a'],
    ['/host/cg/a', '/a'],
  ])('%s is %s in the hybrid layout', (text, path) => expect(cgroupPath(text, HYBRID)).toEqual({ path }));

  const BELOW = 'expected a path below the cgroup2 mount such as /shop.slice/cart';
  it.each([
    ['', BELOW],
    ['a/b', BELOW],
    ['/', BELOW],
    ['//.//', BELOW],
    ['/sys/fs/cgroup', BELOW],
    ['/sys/fs/cgroup/', BELOW],
    ['/a/../b', 'expected a path without ".."'],
    ['/a\0b', 'expected a path without control characters'],
    ['/a\nb', 'expected a path without control characters'],
    [`/a/${'ü'.repeat(128)}`, 'expected names of at most 255 bytes'],
  ])('refuses %j', (text, problem) => expect(cgroupPath(text, UNIFIED)).toEqual({ problem }));
});
