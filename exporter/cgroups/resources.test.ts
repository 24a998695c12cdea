import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCgroupMount } from './cgroup.ts';
import { cpuSeconds, flatValue, memoryBytes } from './resources.ts';
import { Tree } from '../testdata/tree.ts';

let tree: Tree;
let folder: string;
beforeEach(() => {
  tree = new Tree();
  tree.make('/cart-1/app');
  folder = join(tree.root, 'cart-1');
});
afterEach(() => tree.close());

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

describe('flatValue', () => {
  it.each([
    ['usage_usec 12\nuser_usec 7\n', 'user_usec', 7],
    ['inactive_file_x 1\ninactive_file 2\n', 'inactive_file', 2],
    ['active_file 3\n', 'inactive_file', undefined],
    ['', 'usage_usec', undefined],
  ])('of %j %s', (text, key, value) => expect(flatValue(text, key)).toBe(value));
});

describe('cpuSeconds', () => {
  it('reads microseconds', () => {
    write('cpu.stat', 'usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n');
    expect(cpuSeconds(folder)).toBe(1.234567);
  });

  it('is undefined for a deleted cgroup', () => expect(cpuSeconds(join(tree.root, 'gone'))).toBeUndefined());

  it('of the root agrees with the kernel', () => {
    expect(cpuSeconds(findCgroupMount())).toBeGreaterThan(0);
  });

  it('throws when the file cannot be read', () => {
    tree.make('/cart-1/cpu.stat');
    expect(() => cpuSeconds(folder)).toThrow('EISDIR');
  });
});

describe('memoryBytes', () => {
  it('is the working set if the memory controller is enabled', () => {
    write('memory.current', '1048576\n');
    write('memory.stat', 'anon 4096\ninactive_file 48576\n');
    expect(memoryBytes(folder)).toBe(1_000_000);
    write('memory.stat', 'inactive_file 2000000\n');
    expect(memoryBytes(folder)).toBe(0);
  });

  it('is otherwise the resident memory of all processes below', () => {
    const own = process.memoryUsage.rss();
    write('cgroup.procs', `${process.pid}\n4194305\n`);
    write('app/cgroup.procs', `${process.pid}\n`);
    const bytes = memoryBytes(folder) ?? 0;
    // The same process twice, which may grow or shrink between the reads, and a pid beyond the maximum.
    expect(bytes).toBeGreaterThan(own);
    expect(bytes).toBeLessThan(4 * own);
  });

  describe('with the memory controller in version 1', () => {
    let version1: string;
    beforeEach(() => {
      version1 = join(tree.root, 'v1-cart-1');
      tree.make('/v1-cart-1/inner');
      writeFileSync(join(version1, 'memory.usage_in_bytes'), '5000000\n');
      writeFileSync(join(version1, 'memory.stat'), 'inactive_file 1\ntotal_inactive_file 1000000\n');
      write('cgroup.procs', '');
      write('app/cgroup.procs', `${process.pid}\n4194305\n`);
    });

    it('is the working set of the cgroup of the same path, if that has the processes', () => {
      writeFileSync(join(version1, 'inner/cgroup.procs'), `77\n${process.pid}\n`);
      expect(memoryBytes(folder, version1)).toBe(4_000_000);
    });

    it('is the resident memory of the processes if it has others or does not exist', () => {
      const own = process.memoryUsage.rss();
      writeFileSync(join(version1, 'inner/cgroup.procs'), '77\n');
      for (const other of [version1, join(tree.root, 'gone')]) {
        expect(memoryBytes(folder, other)).toBeGreaterThan(own / 2);
        expect(memoryBytes(folder, other)).toBeLessThan(2 * own);
      }
    });

    it('is undefined for a deleted cgroup', () => {
      expect(memoryBytes(join(tree.root, 'gone'), version1)).toBeUndefined();
    });
  });

  it('is zero for a cgroup without processes, and undefined for a missing one', () => {
    write('cgroup.procs', '');
    expect(memoryBytes(folder)).toBe(0);
    expect(memoryBytes(join(tree.root, 'gone'))).toBeUndefined();
  });
});
