import { describe, expect, it } from 'vitest';
import { Random } from '../numeric/random.ts';
import { learnResponse, SLOPE_PRIORS } from './response.ts';

function series(count: number, spanOfLoad: number, slope: number, noise = 0.05) {
  const random = new Random(3);
  const loads = Array.from({ length: count }, (_, index) => spanOfLoad * Math.sin((2 * Math.PI * index) / count));
  return { loads, away: loads.map((load) => slope * load + noise * random.normal()) };
}

describe('learnResponse', () => {
  it('learns a slope from a day of loads, whatever was expected', () => {
    const { away, loads } = series(1440, 1.2, 0.9);
    for (const prior of Object.values(SLOPE_PRIORS)) {
      const { slope, uncertainty } = learnResponse(away, loads, prior);
      expect(slope).toBeCloseTo(0.9, 1);
      expect(uncertainty).toBeLessThan(0.02);
    }
  });

  it('stays with what is expected while the load is always the same', () => {
    const { away, loads } = series(60, 0.01, 0.9);
    const { slope, uncertainty } = learnResponse(away, loads, SLOPE_PRIORS.latency);
    expect(Math.abs(slope)).toBeLessThan(0.05);
    expect(uncertainty).toBeGreaterThan(0.14);
  });

  it('takes no fault for a response', () => {
    const { away, loads } = series(1440, 1.2, 0);
    for (let step = 300; step < 330; step++) away[step] = 1.5;
    expect(Math.abs(learnResponse(away, loads, SLOPE_PRIORS.latency).slope)).toBeLessThan(0.02);
  });

  it('ignores missing values', () => {
    const { away, loads } = series(1440, 1.2, 0.5);
    for (let step = 0; step < 700; step += 2) away[step] = NaN;
    for (let step = 1; step < 700; step += 2) loads[step] = NaN;
    expect(learnResponse(away, loads, SLOPE_PRIORS.saturation).slope).toBeCloseTo(0.5, 1);
  });
});
