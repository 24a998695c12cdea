import { describe, expect, it } from 'vitest';
import { parseGoDuration, RateLimiter, TokenBucket } from './rate-limit.ts';

describe('parseGoDuration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['1s', 1000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1m30s', 90_000],
    ['2h', 7_200_000],
    ['100ms', 100],
    ['250us', 0.25],
    ['1µs', 0.001],
    ['', undefined],
    ['1', undefined],
    ['1d', undefined],
    ['-1s', undefined],
    ['1 s', undefined],
    ['.s', undefined],
    ['fast', undefined],
  ])('%j is %s ms', (text, milliseconds) => expect(parseGoDuration(text)).toBe(milliseconds));
});

describe('TokenBucket', () => {
  it('allows a burst, then one request each interval', () => {
    let now = 5000;
    const bucket = new TokenBucket({ intervalMs: 1000, burst: 3 }, () => now);
    expect([bucket.take(), bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 0, 1000]);
    now += 400;
    expect(bucket.take()).toBeCloseTo(600);
    now += 600;
    expect(bucket.take()).toBe(0);
    expect(bucket.take()).toBeGreaterThan(0);
  });

  it('saves no more than a burst', () => {
    let now = 0;
    const bucket = new TokenBucket({ intervalMs: 10, burst: 2 }, () => now);
    now = 1e6;
    expect([bucket.take(), bucket.take()]).toEqual([0, 0]);
    expect(bucket.take()).toBe(10);
  });
});

describe('RateLimiter', () => {
  const limit = { intervalMs: 1000, burst: 2 };

  it('leaves each client its own tokens', () => {
    const limiter = new RateLimiter(() => 5000);
    const take = (client: string) => limiter.take(limit, client);
    expect([take('a'), take('a'), take('a'), take('a')]).toEqual([0, 0, 1000, 1000]);
    expect([take('b'), take('b'), take('b')]).toEqual([0, 0, 1000]);
  });

  it('begins anew with another limit', () => {
    const limiter = new RateLimiter(() => 5000);
    for (let request = 0; request < 3; request++) limiter.take(limit, 'a');
    expect(limiter.take({ ...limit, burst: 1 }, 'a')).toBe(0);
    expect(limiter.take({ ...limit, burst: 1 }, 'a')).toBe(1000);
  });

  it('forgets the client that has not asked for longest beyond 4096 of them', () => {
    const limiter = new RateLimiter(() => 5000);
    const take = (client: string) => limiter.take({ ...limit, burst: 1 }, client);
    take('first');
    take('second');
    take('first');
    for (let client = 0; client < 4095; client++) take(`other ${client}`);
    expect([take('first'), take('second')]).toEqual([1000, 0]);
  });
});
