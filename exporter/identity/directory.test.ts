import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { target, Tree } from '../testdata/tree.ts';
import { Directory } from './directory.ts';
import { LINGER_MS } from './local-targets.ts';
import { addressBytes, parsePeerAddress, type PeerAddress } from './peers/addresses.ts';

let tree: Tree;
beforeEach(() => {
  tree = new Tree();
});
afterEach(() => tree.close());

const podOf = (id: bigint): string | undefined => tree.directory.targetOf(tree.directory.leaf(id))?.pod;
const pods = (): string[] => Array.from(tree.directory.targets, ({ pod }) => pod);

describe('Directory', () => {
  it('has the targets whose cgroups exist', () => {
    tree.make('/cart-1');
    tree.source.targets = [
      target({}),
      target({ pod: 'cart-2', cgroup: '/cart-2' }),
      target({ pod: 'far', cgroup: undefined }),
    ];
    tree.directory.refresh(0);
    expect(pods()).toEqual(['cart-1']);
    tree.make('/cart-2');
    tree.remove('/cart-1');
    tree.directory.refresh(1);
    expect(pods()).toEqual(['cart-2']);
  });

  it('skips targets whose cgroup lacks the required file', () => {
    const { source, cgroups, root: cgroupfs } = tree;
    const directory = new Directory({ sources: [source], cgroupfs, cgroups, requiredFile: 'io.stat' });
    tree.make('/cart-1');
    source.targets = [target({})];
    const known = (now: number): string[] => {
      directory.refresh(now);
      return Array.from(directory.targets, ({ pod }) => pod);
    };
    expect(known(0)).toEqual([]);
    writeFileSync(join(cgroupfs, 'cart-1/io.stat'), '');
    expect(known(1)).toEqual(['cart-1']);
  });

  it('gives a cgroup to its own target, or to the nearest above it', () => {
    const leaf = tree.seen('/cart-1/app/worker');
    const inner = tree.seen('/cart-1/side/x');
    const stranger = tree.seen('/system/ssh');
    tree.source.targets = [target({}), target({ pod: 'side', cgroup: '/cart-1/side' })];
    tree.directory.refresh(0);
    expect(podOf(leaf)).toBe('cart-1');
    expect(podOf(inner)).toBe('side');
    expect(podOf(tree.id('/cart-1'))).toBe('cart-1');
    expect(podOf(stranger)).toBeUndefined();
  });

  it.each([11, 12, 13, 14, 40])('attributes a cgroup %d levels below its target', (levels) => {
    const below = (from: string, count: number) => `${from}${'/d'.repeat(count)}`;
    tree.make('/other/first');
    const leaf = tree.seen(below('/slice/cart-1', levels));
    const brief = tree.seen(below('/slice/cart-1/x', levels - 1));
    tree.remove(below('/slice/cart-1/x', levels - 1));
    const stranger = tree.seen(below('/slice/ads-1', levels));
    tree.source.targets = [target({ cgroup: '/slice/cart-1' })];
    tree.directory.refresh(0);
    expect([podOf(leaf), podOf(brief), podOf(stranger)]).toEqual(['cart-1', 'cart-1', undefined]);
  });

  it('attributes a cgroup that vanished before it was ever read', () => {
    const leaf = tree.seen('/cart-1/brief');
    tree.remove('/cart-1/brief');
    tree.source.targets = [target({})];
    tree.directory.refresh(5);
    expect(podOf(leaf)).toBe('cart-1');
    expect(tree.directory.leaf(leaf).goneSince).toBe(5);
  });

  it('keeps the generation and the objects while nothing changes', () => {
    tree.make('/cart-1');
    tree.source.targets = [target({})];
    tree.directory.refresh(0);
    const [before] = tree.directory.targets;
    const { generation } = tree.directory;
    tree.directory.refresh(1);
    tree.source.targets = [...tree.source.targets];
    expect(tree.directory.generation).toBe(generation);
    tree.directory.refresh(2);
    expect([...tree.directory.targets][0]).toBe(before);
    expect(tree.directory.generation).not.toBe(generation);
  });

  it('goes on with a target whose cgroup was created again', () => {
    const old = tree.make('/cart-1');
    tree.source.targets = [target({})];
    tree.directory.refresh(0);
    const [before] = tree.directory.targets;
    const { generation } = tree.directory;
    tree.move('/cart-1', '/gone');
    tree.make('/cart-1');
    tree.directory.refresh(1);
    const [after] = tree.directory.targets;
    expect(after).toBe(before);
    expect(after?.id).toBe(tree.id('/cart-1'));
    expect(old).not.toBe(after?.id);
    expect(podOf(tree.id('/cart-1'))).toBe('cart-1');
    expect(tree.directory.generation).not.toBe(generation);
  });

  it('attributes a cgroup by its path once it and the target’s have been replaced', () => {
    tree.source.targets = [target({})];
    const inner = tree.brief('/cart-1/app');
    tree.move('/cart-1', '/gone');
    tree.make('/cart-1');
    tree.directory.refresh(0);
    expect(podOf(inner)).toBe('cart-1');
    expect(tree.paths.rows.size).toBe(0);
  });

  it('has a target whose cgroup came and went between two refreshes, for a minute', () => {
    tree.source.targets = [target({}), target({ pod: 'cart-2', cgroup: '/cart-2' })];
    tree.directory.refresh(0);
    const { generation } = tree.directory;
    // First, because ids of directories are used again.
    const stranger = tree.seen('/cart-11');
    const job = tree.brief('/cart-1');
    tree.directory.refresh(1000);
    expect(tree.directory.generation).not.toBe(generation);
    expect(pods()).toEqual(['cart-1']);
    expect([podOf(job), podOf(stranger)]).toEqual(['cart-1', undefined]);
    tree.directory.refresh(1000 + LINGER_MS - 1);
    expect(pods()).toEqual(['cart-1']);
    tree.directory.refresh(1000 + LINGER_MS);
    expect(pods()).toEqual([]);
  });

  it('has a target that becomes known only after its cgroup came and went', () => {
    const job = tree.brief('/cart-1');
    tree.directory.refresh(0);
    expect(podOf(job)).toBeUndefined();
    tree.source.targets = [target({})];
    tree.directory.refresh(1000);
    expect([podOf(job), pods()]).toEqual(['cart-1', ['cart-1']]);
  });

  it('keeps a target whose cgroup was deleted only for counts that no scrape has exported', () => {
    const [cart, front] = [tree.seen('/cart-1'), tree.seen('/front-1')];
    tree.source.targets = [target({}), target({ pod: 'front-1', cgroup: '/front-1' })];
    tree.directory.onForget(() => (tree.directory.leaf(cart).changedAt = 1001));
    tree.directory.leaf(front).changedAt = 999;
    tree.directory.refresh(0);
    tree.directory.exported(1000);
    tree.remove('/cart-1');
    tree.remove('/front-1');
    tree.directory.refresh(2000);
    expect(pods()).toEqual(['cart-1']);
    tree.directory.refresh(2000 + LINGER_MS);
    expect(pods()).toEqual([]);
  });

  it('ignores a path that is still being written, and frees one that stays incomplete', () => {
    const id = tree.seen('/cart-1');
    tree.paths.record(id, []);
    tree.directory.refresh(0);
    expect(tree.paths.rows.size).toBe(1);
    tree.directory.refresh(1);
    expect(tree.paths.rows.size).toBe(0);
  });

  it('changes the generation when the kernel records the ancestors of a known cgroup', () => {
    const leaf = tree.make('/cart-1/app');
    tree.source.targets = [target({})];
    tree.directory.refresh(0);
    expect(podOf(leaf)).toBeUndefined();
    const { generation } = tree.directory;
    tree.seen('/cart-1/app');
    tree.directory.refresh(1);
    expect(tree.directory.generation).not.toBe(generation);
    expect(podOf(leaf)).toBe('cart-1');
  });

  it('forgets a vanished cgroup when no row refers to it', () => {
    const id = tree.seen('/cart-1/app');
    tree.directory.refresh(0);
    const leaf = tree.directory.leaf(id);
    expect(leaf.goneSince).toBeUndefined();
    tree.remove('/cart-1');
    tree.directory.refresh(1000);
    expect(leaf.goneSince).toBe(1000);
    leaf.rows = 1;
    tree.directory.refresh(1e6);
    expect(tree.cgroups.rows.size).toBe(1);
    leaf.rows = 0;
    tree.directory.refresh(1e6 + 1);
    expect(tree.cgroups.rows.size).toBe(0);
    expect(tree.directory.leaf(id)).not.toBe(leaf);
  });

  it('forgets a vanished cgroup only after all counts have been attributed', () => {
    tree.seen('/cart-1');
    tree.cgroups.capacity = 1;
    tree.directory.booked(0);
    tree.directory.refresh(1);
    tree.remove('/cart-1');
    tree.directory.refresh(1000);
    tree.directory.refresh(1e6);
    expect(tree.cgroups.rows.size).toBe(1);
    tree.directory.booked(1001);
    tree.directory.refresh(1e6);
    expect(tree.cgroups.rows.size).toBe(0);
  });

  it('forgets a vanished cgroup sooner while the kernel map is more than half full', () => {
    for (const name of ['a', 'b', 'c']) tree.seen(`/${name}`);
    tree.cgroups.capacity = 6;
    tree.directory.refresh(0);
    tree.remove('/a');
    tree.directory.refresh(1000);
    tree.directory.refresh(100_000);
    expect(tree.cgroups.rows.size).toBe(3);
    tree.cgroups.capacity = 5;
    tree.directory.refresh(100_001);
    expect(tree.cgroups.rows.size).toBe(2);
  });

  it('finds peers, including those on other machines', () => {
    const addresses = [parsePeerAddress('10.0.0.9') as PeerAddress];
    tree.source.targets = [target({ service: 'far', cgroup: undefined, addresses })];
    tree.directory.refresh(0);
    expect(tree.directory.peer(addressBytes('10.0.0.9') as string, 1)?.service).toBe('far');
    expect(tree.directory.peer(addressBytes('10.0.0.8') as string, 1)).toBeUndefined();
  });

  it('asks its sources for peers that are not targets', () => {
    const known = { [addressBytes('10.0.0.8') as string]: { namespace: 'shop', service: 'asked' } };
    Object.assign(tree.source, { peer: (bytes: string) => known[bytes] });
    tree.directory.refresh(0);
    expect(tree.directory.peer(addressBytes('10.0.0.8') as string, 1)?.service).toBe('asked');
    expect(tree.directory.peer(addressBytes('10.0.0.7') as string, 1)).toBeUndefined();
  });
});
