import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCgroupMount } from './identity/cgroup.ts';
import { cpuSeconds, flatValue, memoryBytes } from './resources.ts';
import { Tree } from './testdata/tree.ts';

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

  it('is undefined of what is gone', () => expect(cpuSeconds(join(tree.root, 'gone'))).toBeUndefined());

  it('of the root agrees with the file of the kernel', () => {
    expect(cpuSeconds(findCgroupMount())).toBeGreaterThan(0);
  });

  it('throws when the file cannot be read', () => {
    tree.make('/cart-1/cpu.stat');
    expect(() => cpuSeconds(folder)).toThrow('EISDIR');
  });
});

describe('memoryBytes', () => {
  it('is the working set where the memory controller is on', () => {
    write('memory.current', '1048576\n');
    write('memory.stat', 'anon 4096\ninactive_file 48576\n');
    expect(memoryBytes(folder)).toBe(1_000_000);
    write('memory.stat', 'inactive_file 2000000\n');
    expect(memoryBytes(folder)).toBe(0);
  });

  it('is the resident memory of all processes below elsewhere', () => {
    const own = process.memoryUsage.rss();
    write('cgroup.procs', `${process.pid}\n4194305\n`);
    write('app/cgroup.procs', `${process.pid}\n`);
    const bytes = memoryBytes(folder) ?? 0;
    // Twice the same process, which may grow or shrink between the readings; a pid beyond the greatest is nobody.
    expect(bytes).toBeGreaterThan(own);
    expect(bytes).toBeLessThan(4 * own);
  });

  it('is zero of a cgroup without processes and undefined of none', () => {
    write('cgroup.procs', '');
    expect(memoryBytes(folder)).toBe(0);
    expect(memoryBytes(join(tree.root, 'gone'))).toBeUndefined();
  });
});
