import { describe, expect, it } from 'vitest';
import { NO_ARRIVALS } from './arrivals.ts';
import { FeatureDelay, MAX_DELAY_MS } from './feature-delay.ts';

const MINUTE = 60_000;
const late = (latenessMs: number, sufficientDelayMs: number) => ({ ...NO_ARRIVALS, latenessMs, sufficientDelayMs });

describe('FeatureDelay', () => {
  it('is a tenth of the interval as long as features come in time', () => {
    const delay = new FeatureDelay(MINUTE, undefined);
    for (let cycle = 0; cycle < 20; cycle++) expect(delay.observe(NO_ARRIVALS)).toBe('enough');
    expect([delay.ms, delay.sufficientMs, delay.latenessMs]).toEqual([6000, 6000, 0]);
  });

  it('is raised at the second cycle where features come late from the start', () => {
    const delay = new FeatureDelay(MINUTE, undefined);
    expect(delay.observe(NO_ARRIVALS)).toBe('enough');
    expect(delay.observe(late(55_000, 70_000))).toBe('raised');
    expect(delay.ms).toBe(75_000);
    expect(delay.observe(NO_ARRIVALS)).toBe('enough');
    expect(delay.ms).toBe(75_000);
  });

  it('is raised later only for what recurs', () => {
    const delay = new FeatureDelay(MINUTE, undefined);
    for (let cycle = 0; cycle < 3; cycle++) delay.observe(NO_ARRIVALS);
    expect(delay.observe(late(9000, 20_000))).toBe('enough');
    expect(delay.latenessMs).toBe(9000);
    for (let cycle = 0; cycle < 5; cycle++) expect(delay.observe(NO_ARRIVALS)).toBe('enough');
    expect(delay.ms).toBe(6000);
    const verdicts = [9000, 8000, 9000].map((ms) => delay.observe(late(ms, ms + 10_000)));
    expect(verdicts).toEqual(['enough', 'enough', 'raised']);
    expect(delay.ms).toBe(24_000);
  });

  it('stays as configured, and says what would do', () => {
    const delay = new FeatureDelay(MINUTE, 2000);
    delay.observe(NO_ARRIVALS);
    expect(delay.observe(late(55_000, 70_000))).toBe('too_short');
    expect([delay.ms, delay.sufficientMs]).toEqual([2000, 75_000]);
    expect(delay.observe(late(40_000, 70_000))).toBe('too_short');
    for (let cycle = 0; cycle < 5; cycle++) delay.observe(NO_ARRIVALS);
    expect(delay.observe(NO_ARRIVALS)).toBe('enough');
    expect(delay.sufficientMs).toBe(2000);
  });

  it('ends where Prometheus would not find the scores', () => {
    const delay = new FeatureDelay(MINUTE, undefined);
    delay.observe(NO_ARRIVALS);
    expect(delay.observe(late(400_000, 500_000))).toBe('beyond_limit');
    expect(delay.ms).toBe(MAX_DELAY_MS);
    for (let cycle = 0; cycle < 9; cycle++) expect(delay.observe(late(400_000, 500_000))).toBe('beyond_limit');
    expect(delay.ms).toBe(MAX_DELAY_MS);
  });
});
