import { describe, expect, it } from 'vitest';
import { LoadPattern, MAX_RATE, type LoadSettings } from './load-pattern.ts';

const flat: LoadSettings = {
  level: 20,
  noise: 0,
  wave: { period: 600_000, amplitude: 0 },
  bursts: { every: 300_000, factor: 1, lasting: 15_000 },
};

/** The rate in each of `seconds` seconds. */
function rates(settings: LoadSettings, seconds: number, seed = 1): number[] {
  const pattern = new LoadPattern(seed);
  return Array.from({ length: seconds }, (_, second) => pattern.rateAt(second * 1000, settings));
}
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('LoadPattern', () => {
  it('keeps the level without wave, noise and bursts', () => {
    expect(rates(flat, 100)).toEqual(Array.from({ length: 100 }, () => 20));
  });

  it('varies by the amplitude once per period', () => {
    const wave = { ...flat, wave: { period: 600_000, amplitude: 0.5 } };
    const pattern = rates(wave, 601);
    expect(pattern[150]).toBeCloseTo(30);
    expect(pattern[300]).toBeCloseTo(20);
    expect(pattern[450]).toBeCloseTo(10);
    expect(pattern[600]).toBeCloseTo(20);
  });

  it('adds noise that drifts, keeps the average and repeats for a seed', () => {
    const noisy = { ...flat, noise: 0.2 };
    const pattern = rates(noisy, 20_000);
    expect(mean(pattern)).toBeGreaterThan(19);
    expect(mean(pattern)).toBeLessThan(21);
    const spread = Math.sqrt(mean(pattern.map((rate) => (Math.log(rate / 20) + 0.02) ** 2)));
    expect(spread).toBeCloseTo(0.2, 1);
    const steps = pattern.slice(1).map((rate, index) => Math.abs(rate - pattern[index]!));
    expect(mean(steps)).toBeLessThan(mean(pattern.map((rate) => Math.abs(rate - 20))));
    expect(rates(noisy, 100)).toEqual(pattern.slice(0, 100));
    expect(rates(noisy, 100, 2)).not.toEqual(pattern.slice(0, 100));
  });

  it('bursts with the configured frequency, factor and duration', () => {
    const bursty = { ...flat, bursts: { every: 100_000, factor: 3, lasting: 10_000 } };
    const pattern = rates(bursty, 50_000);
    expect(new Set(pattern)).toEqual(new Set([20, 60]));
    const share = pattern.filter((rate) => rate === 60).length / pattern.length;
    expect(share).toBeGreaterThan(0.06);
    expect(share).toBeLessThan(0.14);
  });

  it('does not depend on the times of the calls, and is bounded', () => {
    const noisy = { ...flat, noise: 0.3 };
    const seldom = new LoadPattern(9);
    expect(seldom.rateAt(99_000, noisy)).toBeCloseTo(rates(noisy, 100, 9)[99]!, 10);
    expect(Math.max(...rates({ ...noisy, level: 10_000 }, 50))).toBe(MAX_RATE);
    expect(rates({ ...noisy, level: 0 }, 5)).toEqual([0, 0, 0, 0, 0]);
  });
});
