import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCgroupMount } from './cgroup.ts';
import { findCgroupfs } from './cgroupfs.ts';

const MOUNT = findCgroupMount();
const PART = join(MOUNT, `lorikeet-cgroupfs-${process.pid}`);
const WARNING = "only a part of the cgroup tree: mount the host's and set --path.cgroupfs";
const line = (path: string) => `cgroup2 ${path} cgroup2 rw 0 0\n`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-cgroupfs-'));
  mkdirSync(PART);
});
afterAll(() => {
  rmdirSync(PART);
  rmSync(folder, { recursive: true });
});

describe('findCgroupfs', () => {
  it("finds this machine's mount", () => expect(findCgroupfs()).toEqual({ path: MOUNT }));

  it('prefers the mount with the whole tree, and skips one that is hidden or gone', () => {
    const mounts = `cgroup ${folder} cgroup rw 0 0\n${line('/nowhere')}${line(folder)}${line(PART)}${line(MOUNT)}`;
    expect(findCgroupfs(undefined, mounts)).toEqual({ path: MOUNT });
  });

  it('warns about a part of the tree', () => {
    expect(findCgroupfs(undefined, line(PART))).toEqual({ path: PART, warning: WARNING });
    expect(findCgroupfs(`${PART}/`)).toEqual({ path: PART, warning: WARNING });
  });

  it.each([
    ['/nowhere', 'does not exist'],
    ['/tmp', 'is not a cgroup2 file system'],
  ])('refuses --path.cgroupfs=%s', (path, problem) =>
    expect(() => findCgroupfs(path)).toThrow(
      `--path.cgroupfs: expected the mount point of cgroup2, ${path} ${problem}`,
    ),
  );

  it('reports the remedy without a mount', () => {
    expect(() => findCgroupfs(undefined, line('/nowhere'))).toThrow('no cgroup2 mount in /proc/self/mounts: mount');
  });

  it('takes the directory of all hierarchies for the mount below it', () => {
    const hybrid = join(folder, 'hybrid');
    mkdirSync(join(hybrid, 'unified'), { recursive: true });
    execFileSync('mount', ['--bind', MOUNT, join(hybrid, 'unified')]);
    try {
      expect(findCgroupfs(hybrid)).toEqual({ path: join(hybrid, 'unified') });
    } finally {
      execFileSync('umount', [join(hybrid, 'unified')]);
    }
  });
});
