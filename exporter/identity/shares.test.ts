import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryPlainMap } from '../testdata/memory-map.ts';
import { target, Tree } from '../testdata/tree.ts';
import { Directory } from './directory.ts';
import { CgroupInfo, perMap, STATES, type State } from './leaf.ts';
import { CLASSIFY_MS } from './shares.ts';

describe('Shares', () => {
  let tree: Tree;
  let targets: MemoryPlainMap;
  let use: MemoryPlainMap;
  let directory: Directory;
  let revived: number;
  beforeEach(() => {
    tree = new Tree();
    [targets, use] = [new MemoryPlainMap(), new MemoryPlainMap()];
    revived = 0;
    const { source, cgroups, paths, root: cgroupfs } = tree;
    const shares = { targets, use, capacities: perMap(() => 800) };
    directory = new Directory({ sources: [source], cgroupfs, cgroups, paths, shares });
    directory.onRevived(() => revived++);
  });
  afterEach(() => tree.close());

  const info = (id: bigint): CgroupInfo => new CgroupInfo(tree.cgroups.rows.get(id) as Buffer);
  const state = (id: bigint): State => info(id).state;
  const used = (): bigint[] => {
    const row = use.rows.get(0n) as Buffer;
    return [row.readBigInt64LE(0), row.readBigInt64LE(8)];
  };

  it('tells the kernel which targets are monitored, and which no longer exist', () => {
    const [first, second] = [tree.make('/cart-1'), tree.make('/cart-2')];
    tree.source.targets = [target({}), target({ pod: 'cart-2', cgroup: '/cart-2', monitored: false })];
    directory.refresh(0);
    const written = (): [bigint, number][] => [...targets.rows].map(([id, value]) => [id, value.readUInt32LE()]);
    expect(written()).toEqual([
      [first, STATES.monitored],
      [second, STATES.unmonitored],
    ]);
    tree.source.targets = [target({ pod: 'cart-2', cgroup: '/cart-2' })];
    directory.refresh(1);
    expect(written()).toEqual([[second, STATES.monitored]]);
  });

  it('classifies a cgroup without a target only after a while, and not before targets are known', () => {
    Object.assign(tree.source, { ready: 'not listed yet' });
    const [cart, stranger] = [tree.seen('/cart-1/app'), tree.seen('/system/ssh')];
    tree.source.targets = [target({})];
    directory.refresh(0);
    expect([state(cart), state(stranger)]).toEqual([STATES.monitored, STATES.unclassified]);
    directory.refresh(CLASSIFY_MS);
    expect(state(stranger)).toBe(STATES.unclassified);
    Object.assign(tree.source, { ready: true });
    directory.refresh(CLASSIFY_MS + 1);
    expect(state(stranger)).toBe(STATES.unmonitored);
    expect(revived).toBe(0);
    tree.source.targets = [target({}), target({ pod: 'ssh', cgroup: '/system' })];
    directory.refresh(CLASSIFY_MS + 2);
    expect([state(stranger), revived]).toEqual([STATES.monitored, 1]);
    tree.source.targets = [target({})];
    directory.refresh(CLASSIFY_MS + 3);
    expect(state(stranger)).toBe(STATES.unmonitored);
  });

  it('corrects the numbers of rows by what user space deleted', () => {
    const [cart, stranger] = [tree.seen('/cart-1'), tree.seen('/system')];
    tree.source.targets = [target({})];
    tree.cgroups.countRows(cart, { edges: 50 });
    tree.cgroups.countRows(stranger, { edges: 120 });
    directory.refresh(0);
    expect(used()).toEqual([170n, 120n]);
    expect(directory.shares?.isPressed).toBe(true);
    directory.leaf(stranger).freed.edges = 110;
    directory.refresh(CLASSIFY_MS);
    expect(used()).toEqual([60n, 10n]);
    expect(info(stranger).rows('edges')).toBe(10);
    expect(directory.shares?.isPressed).toBe(false);
  });

  it('has the rows of listening sockets deleted that nobody monitors', () => {
    const [cart, stranger] = [tree.seen('/cart-1'), tree.seen('/system')];
    tree.source.targets = [target({})];
    directory.refresh(0);
    expect([cart, stranger].map((id) => directory.dismisses(id))).toEqual([false, false]);
    directory.refresh(CLASSIFY_MS);
    expect([cart, stranger].map((id) => directory.dismisses(id))).toEqual([false, true]);
    expect(directory.leaf(stranger).freed.listeners).toBe(1);
  });

  it('counts refused rows as lost or not, once the cgroup is classified', () => {
    const [cart, stranger] = [tree.seen('/cart-1'), tree.seen('/system')];
    tree.cgroups.countRows(cart, { refusedEdges: 3 });
    tree.cgroups.countRows(stranger, { refusedEdges: 7 });
    directory.refresh(0);
    expect([directory.shares?.lost.edges, directory.shares?.unmonitored.edges]).toEqual([0, 0]);
    tree.source.targets = [target({})];
    for (const now of [CLASSIFY_MS, CLASSIFY_MS + 1]) directory.refresh(now);
    expect([directory.shares?.lost.edges, directory.shares?.unmonitored.edges]).toEqual([3, 7]);
  });
});
