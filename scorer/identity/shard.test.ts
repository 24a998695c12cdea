import { describe, expect, it } from 'vitest';
import { hostOrdinal, owns, shardOf } from './shard.ts';

const KEYS = Array.from({ length: 10_000 }, (_, index) => JSON.stringify([`team-${index % 50}`, `service-${index}`]));

describe('shardOf', () => {
  it.each([2, 3, 10])('spreads services evenly over %i shards', (count) => {
    const sizes = Array.from({ length: count }, () => 0);
    for (const key of KEYS) {
      const shard = shardOf(key, count);
      sizes[shard] = (sizes[shard] ?? NaN) + 1;
    }
    for (const size of sizes) expect(Math.abs((size * count) / KEYS.length - 1)).toBeLessThan(0.1);
  });

  it('moves none but the services that a new shard takes', () => {
    const moved = KEYS.filter((key) => shardOf(key, 4) !== shardOf(key, 3));
    expect(moved.every((key) => shardOf(key, 4) === 3)).toBe(true);
    expect(moved.length / KEYS.length).toBeCloseTo(0.25, 1);
  });

  it('stays the same over versions: a service must not move at an update', () => {
    expect(KEYS.slice(0, 12).map((key) => shardOf(key, 3))).toEqual([0, 0, 1, 1, 2, 0, 2, 1, 2, 0, 1, 2]);
  });
});

describe('owns', () => {
  it('gives each service to one shard of all', () => {
    const name = { namespace: 'shop', service: 'cart' };
    const owners = [0, 1, 2, 3].filter((index) => owns({ index, count: 4 }, name));
    expect(owners).toHaveLength(1);
    expect(owns({ index: 0, count: 1 }, name)).toBe(true);
  });
});

describe('hostOrdinal', () => {
  it.each([
    ['lorikeet-scorer-0', 0],
    ['lorikeet-scorer-12', 12],
    ['lorikeet-scorer-3.scorer.monitoring.svc', 3],
    ['scorer', undefined],
    ['node7', undefined],
  ])('%s -> %s', (host, ordinal) => {
    expect(hostOrdinal(host)).toBe(ordinal);
  });
});
