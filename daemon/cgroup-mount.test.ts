import { expect, it } from 'vitest';
import { cgroupMount } from './cgroup-mount.ts';

it.each([
  ['cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n', '/sys/fs/cgroup'],
  [
    'tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\nx /sys/fs/cgroup/unified cgroup2 rw 0 0',
    '/sys/fs/cgroup/unified',
  ],
  ['cgroup2 /mnt/a\\040b cgroup2 rw 0 0\n', '/mnt/a b'],
  ['cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n', undefined],
])('finds the mount in %j', (mounts, path) => expect(cgroupMount(mounts)).toBe(path));
