import { describe, expect, it } from 'vitest';
import { parseGoDuration, TokenBucket } from './rate-limit.ts';

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
