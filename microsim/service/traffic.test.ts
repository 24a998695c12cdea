import { describe, expect, it } from 'vitest';
import { Traffic } from './traffic.ts';

describe('Traffic', () => {
  it('counts all and averages the last ten whole seconds', () => {
    let now = 5000;
    const traffic = new Traffic(() => now);
    expect(traffic.stats()).toEqual({ requests: 0, failures: 0, seconds: 0, rate: 0, latency_ms: 0 });
    for (let request = 0; request < 40; request += 1) {
      traffic.record(request < 20 ? 10 : 30, request % 4 === 0);
      now += 100;
    }
    const early = traffic.stats();
    expect(early).toMatchObject({ requests: 40, failures: 10, rate: 10 });
    expect(early.seconds).toBeCloseTo(0.8);
    expect(early.latency_ms).toBeCloseTo(20);

    now = 16_000;
    expect(traffic.stats().rate).toBeCloseTo(3);
    expect(traffic.stats().latency_ms).toBeCloseTo((10 * 10 + 20 * 30) / 30);
    now = 60_000;
    expect(traffic.stats()).toMatchObject({ requests: 40, rate: 0, latency_ms: 0 });
  });
});
