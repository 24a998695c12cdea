import { afterEach, beforeEach, expect, it } from 'vitest';
import { Tree } from '../testdata/tree.ts';
import { cgroupId, findCgroupMount, walkCgroups } from './cgroup.ts';

let tree: Tree;
beforeEach(() => {
  tree = new Tree();
});
afterEach(() => tree.close());

it('reports the remedy without a mount', () => {
  expect(() => findCgroupMount('proc /proc proc rw 0 0\n')).toThrow(
    'no cgroup2 mount in /proc/self/mounts: mount cgroup2 or set --path.cgroupfs',
  );
});

it("finds this machine's mount, whose root has id 1", () => {
  expect(cgroupId(findCgroupMount())).toBe(1n);
});

it('walks parents first, with ids', () => {
  for (const path of ['/a/b/c', '/a/d', '/e']) tree.make(path);
  const found = [...walkCgroups(tree.root)].map(({ path, id }) => [path.slice(tree.root.length), id] as const);
  expect(found.map(([path]) => path).sort()).toEqual(['', '/a', '/a/b', '/a/b/c', '/a/d', '/e']);
  const names = found.map(([path]) => path);
  expect(names.indexOf('/a')).toBeLessThan(names.indexOf('/a/b/c'));
  for (const [path, id] of found) expect(id).toBe(tree.id(path));
});

it.each(['/nowhere/at/all', '/a\0b', `/${'x'.repeat(300)}`, `/${'x/'.repeat(3000)}`, '/proc/self/exe/x'])(
  'returns undefined for %j',
  (path) => expect(cgroupId(path)).toBeUndefined(),
);

it('walks nothing below a missing cgroup', () => {
  expect([...walkCgroups('/nowhere/at/all')]).toEqual([]);
});
