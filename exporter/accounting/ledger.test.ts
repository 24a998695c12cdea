import { beforeEach, describe, expect, it } from 'vitest';
import { newLeaf, STATES, type Leaf } from '../identity/leaf.ts';
import { GONE_SETTLE_MS, Ledger, PRESSED_IDLE_MS, UNOWNED_MS, type Account } from './ledger.ts';
import { MemoryMap, serviceKey } from '../testdata/memory-map.ts';

const KEY = serviceKey(7n, 1);
const OTHER_KEY = serviceKey(8n, 1);

describe('Ledger', () => {
  let map: MemoryMap;
  let leaves: Map<bigint, Leaf>;
  let accounts: Map<bigint, Account>;
  let asked: number;
  let ledger: Ledger<Account>;

  const makeLedger = (idleMs?: number): Ledger<Account> =>
    new Ledger({
      map,
      leafOf(key) {
        const id = key.readBigUInt64LE();
        const leaf = leaves.get(id) ?? newLeaf(id);
        leaves.set(id, leaf);
        return leaf;
      },
      accountOf(_key, leaf) {
        asked++;
        return accounts.get(leaf.id);
      },
      ...(idleMs === undefined ? {} : { idleMs, shared: 'edges' }),
    });
  const account = (): Account => ({ words: new Float64Array(2) });
  const wordsOf = (id: bigint): number[] => [...(accounts.get(id)?.words ?? [])];

  beforeEach(() => {
    map = new MemoryMap('requests', 16, 2);
    leaves = new Map();
    accounts = new Map([[7n, account()]]);
    asked = 0;
    ledger = makeLedger();
  });

  it('adds increments, and asks for accounts only after the directory changed', () => {
    map.count(KEY, { 0: 3, 1: 10 });
    ledger.update(1, 0);
    map.count(KEY, { 1: 5 });
    expect(ledger.update(1, 1)).toBe(1);
    expect(wordsOf(7n)).toEqual([3, 15]);
    expect(asked).toBe(1);
    ledger.update(2, 2);
    expect(asked).toBe(2);
    expect(wordsOf(7n)).toEqual([3, 15]);
  });

  it('adds the rows of one account', () => {
    accounts.set(8n, accounts.get(7n) as Account);
    map.count(KEY, { 0: 3 });
    map.count(OTHER_KEY, { 0: 4 });
    ledger.update(1, 0);
    expect(wordsOf(7n)).toEqual([7, 0]);
  });

  it('keeps counts until their account is known', () => {
    map.count(OTHER_KEY, { 0: 4 });
    ledger.update(1, 0);
    map.count(OTHER_KEY, { 0: 1 });
    ledger.update(1, 1);
    accounts.set(8n, account());
    map.count(OTHER_KEY, { 0: 1 });
    ledger.update(2, 2);
    expect(wordsOf(8n)).toEqual([6, 0]);
    ledger.update(3, 3);
    expect(wordsOf(8n)).toEqual([6, 0]);
  });

  it('gives an account only the increments since it owns the row', () => {
    map.count(KEY, { 0: 3 });
    ledger.update(1, 0);
    const first = accounts.get(7n) as Account;
    accounts.set(7n, account());
    map.count(KEY, { 0: 2 });
    ledger.update(2, 1);
    expect([...first.words]).toEqual([3, 0]);
    expect(wordsOf(7n)).toEqual([2, 0]);
  });

  it('treats a row with a smaller count as a new one', () => {
    map.count(KEY, { 0: 3, 1: 9 });
    ledger.update(1, 0);
    map.rows.clear();
    map.count(KEY, { 0: 4, 1: 1 });
    ledger.update(1, 1);
    expect(wordsOf(7n)).toEqual([7, 10]);
  });

  it('forgets a row that left the map, and counts from zero when it returns', () => {
    map.count(KEY, { 0: 3 });
    ledger.update(1, 0);
    map.rows.clear();
    ledger.update(1, 1);
    expect([ledger.size, leaves.get(7n)?.rows]).toEqual([0, 0]);
    map.count(KEY, { 0: 3 });
    ledger.update(1, 2);
    expect(wordsOf(7n)).toEqual([6, 0]);
  });

  it('deletes the row of a vanished cgroup once it is idle, and keeps its counts', () => {
    map.count(KEY, { 0: 3 });
    ledger.update(1, 0);
    (leaves.get(7n) as Leaf).goneSince = 1000;
    map.count(KEY, { 0: 1 });
    ledger.update(1, 1000 + GONE_SETTLE_MS - 1);
    ledger.update(1, 1000 + GONE_SETTLE_MS);
    expect(map.rows.size).toBe(1);
    ledger.update(1, 1000 + 2 * GONE_SETTLE_MS);
    expect([map.rows.size, ledger.size]).toEqual([0, 0]);
    expect(wordsOf(7n)).toEqual([4, 0]);
  });

  it('deletes an idle row of an existing cgroup only if configured', () => {
    map.count(KEY, { 0: 3 });
    ledger.update(1, 0);
    ledger.update(1, 1e12);
    expect(map.rows.size).toBe(1);
    ledger = makeLedger(100);
    ledger.update(1, 0);
    ledger.update(1, 99);
    expect(map.rows.size).toBe(1);
    ledger.update(1, 100);
    expect(map.rows.size).toBe(0);
  });

  it('deletes rows that nobody owns, and idle ones sooner, while the map is more than half full', () => {
    ledger = makeLedger(3_600_000);
    map.count(KEY, { 0: 3 });
    map.count(OTHER_KEY, { 0: 4 });
    map.capacity = 4;
    ledger.update(1, 0);
    ledger.update(1, 1e6);
    expect(map.rows.size).toBe(2);
    map.capacity = 3;
    ledger = makeLedger(3_600_000);
    ledger.update(1, 0);
    map.count(OTHER_KEY, { 0: 4 });
    ledger.update(1, UNOWNED_MS - 1);
    expect(map.rows.size).toBe(2);
    ledger.update(1, UNOWNED_MS);
    expect([...map.rows.keys()]).toEqual([KEY.toString('latin1')]);
    map.capacity = 1;
    ledger.update(1, PRESSED_IDLE_MS - 1);
    expect(map.rows.size).toBe(1);
    ledger.update(1, PRESSED_IDLE_MS);
    expect(map.rows.size).toBe(0);
    expect(wordsOf(7n)).toEqual([6, 0]);
  });

  it('deletes the rows of an unmonitored cgroup at once', () => {
    ledger = makeLedger(3_600_000);
    map.count(OTHER_KEY, { 0: 4 });
    ledger.update(1, 0);
    const leaf = leaves.get(8n) as Leaf;
    leaf.state = STATES.unmonitored;
    ledger.update(1, 1);
    expect([map.rows.size, leaf.rows, leaf.freed.edges]).toEqual([0, 0, 1]);
  });

  it('keeps the time of the last change of a cgroup', () => {
    map.count(KEY, { 0: 3 });
    ledger.update(1, 5);
    ledger.update(1, 9);
    expect(leaves.get(7n)?.changedAt).toBe(5);
  });
});
