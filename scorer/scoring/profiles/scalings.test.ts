import { describe, expect, it } from 'vitest';
import { History } from '../../fleet/history.ts';
import { noise, shape } from './noisy-history.testdata.ts';
import { parseFeatures } from '../../features/features.ts';
import { learnEdgeScalings, learnScalings } from './scalings.ts';

describe('learnScalings', () => {
  const { features } = parseFeatures(
    'features.yaml',
    `windows: [1s, 2s, 4s]
features:
  - { name: rate, expr: 'a[$window]', scale: log, signal: traffic, load: true }
  - { name: latency, expr: 'b[$window]', scale: log, signal: latency }
edges: []
`,
  );
  const history = new History(6, 1000);
  for (let step = 0; step < 1000; step++) {
    // A single minute at 50 times the load is nowhere to have been.
    const rate = step === 500 ? 5000 : 100 * Math.exp(Math.sin(step / 40));
    for (const column of [0, 2, 4]) history.put(step, column, rate);
    for (const column of [1, 3, 5]) history.put(step, column, 0.01);
  }

  it('remembers where a load has been, until that is a week', () => {
    const [load, latency] = learnScalings(features, 6, history, 0, 999, { days: 3 });
    expect(load?.drifts?.low).toBeCloseTo(-1, 1);
    expect(load?.drifts?.high).toBeCloseTo(1, 1);
    expect(latency?.drifts).toBeUndefined();
    expect(learnScalings(features, 6, history, 0, 999, { days: 7 })[0]?.drifts).toBeUndefined();
  });
});

describe('a share of requests', () => {
  const { features } = parseFeatures(
    'features.yaml',
    `windows: [1m, 5m, 30m]
features:
  - { name: rate, expr: 'a[$window]', scale: log, signal: traffic, unit: per_second, load: true }
  - { name: failed, expr: 'b[$window]', scale: ratio, signal: errors, unit: ratio }
  - { name: throttled, expr: 'c[$window]', scale: ratio, signal: saturation, unit: ratio }
edges: []
`,
  );
  const history = new History(9, 100);
  for (let step = 0; step < 100; step++) {
    for (const column of history.row(step)?.keys() ?? Array(9).keys())
      history.put(step, column, column % 3 === 0 ? 10 : 0);
  }
  const windows = [60_000, 300_000, 1_800_000];

  it('has a spread of the number of requests in each window, others one of a percent', () => {
    const spreads = learnScalings(features, 9, history, 0, 99, { windows }).map((scaling) => scaling?.spread ?? NaN);
    for (const [column, requests] of [
      [1, 600],
      [4, 3000],
    ] as const) {
      expect(spreads[column]).toBeCloseTo(1 / requests, 5);
      expect(spreads[column + 1]).toBe(0.01);
    }
    expect(spreads[7]).toBe(1e-4);
  });

  it('has one of a percent where the number is unknown', () => {
    expect(learnScalings(features, 9, history, 0, 99)[1]?.spread).toBe(0.01);
    const others = features.map((feature) => ({ ...feature, unit: 'none' as const }));
    expect(learnScalings(others, 9, history, 0, 99, { windows })[1]?.spread).toBe(0.01);
  });

  it('of an edge is the same in the shortest window', () => {
    const [calls, failed] = learnEdgeScalings(features, history, 0, 99, windows);
    expect(calls?.center).toBe(10);
    expect(failed?.spread).toBeCloseTo(1 / 600, 5);
  });
});

describe('learnEdgeScalings', () => {
  it("widens the spread of an edge that is often wild to its 99th percentile's", () => {
    const history = new History(2, 1000);
    const random = noise(5);
    for (let step = 0; step < 1000; step++) {
      const calm = 100 * Math.exp(0.1 * (2 * random() - 1));
      history.put(step, 0, calm);
      history.put(step, 1, step % 40 === 0 ? 10_000 : calm);
    }
    const edge = shape.features.slice(0, 2);
    const [quiet, wild] = learnEdgeScalings(edge, history, 0, 999);
    expect(quiet?.spread).toBeLessThan(0.07);
    // ln(100 + 2 % of the median) / 2.576, the 99th percentile being one of the wild values.
    expect(wild?.spread).toBeGreaterThan(1.6);
    expect(wild?.center).toBeCloseTo(quiet?.center ?? 0, 0);
  });
});
