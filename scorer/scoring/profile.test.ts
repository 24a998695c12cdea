import { describe, expect, it } from 'vitest';
import {
  LEAST_DEVIATION,
  LEAST_RESIDUAL,
  learnEdgeScalings,
  learnProfile,
  parsePrior,
  poolProfiles,
  tailThreshold,
  usualSteps,
} from './profile.ts';
import { type Reconstructor } from '../detectors/reconstructor.ts';
import type { Feature } from '../features/features.ts';
import { History } from '../fleet/history.ts';
import { NEUTRAL, type TensorShape } from '../tensor/tensor.ts';
import { columnCount } from '../features/columns.ts';

const feature = (name: string): Feature => ({ name, expr: '$window', scale: 'log', signal: 'latency', floor: 0 });
const shape: TensorShape = { features: ['a', 'b', 'c'].map(feature), steps: [0, 1] };
const columns = columnCount(shape.features);
/** Knows nothing but the median. */
const flat: Reconstructor = { reconstruct: async (data) => new Float32Array(data.length).fill(NEUTRAL) };

function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function noisyHistory(steps: number, spread: number, seed = 1): History {
  const random = noise(seed);
  const history = new History(columns, steps + 1);
  for (let step = 0; step < steps; step++) {
    for (let column = 0; column < columns; column++) {
      const normal = Math.sqrt(-2 * Math.log(random() || 1e-9)) * Math.cos(2 * Math.PI * random());
      history.put(step, column, 100 * Math.exp(spread * normal));
    }
  }
  return history;
}

describe('learnProfile', () => {
  it('learns scaling, fault-free residual and a threshold that its own windows stay below', async () => {
    const profile = await learnProfile(shape, noisyHistory(2000, 0.2), { from: 1, to: 1999 }, flat);
    for (const scaling of profile.scalings) {
      expect(scaling?.center).toBeGreaterThan(97);
      expect(scaling?.center).toBeLessThan(103);
      expect(scaling?.spread).toBeGreaterThan(0.17);
      expect(scaling?.spread).toBeLessThan(0.23);
    }
    // The 99.7th percentile of a normal |z| is 2.97, of the residual as of the deviation where the model knows the median only.
    for (const figure of [...profile.residual, ...profile.deviation]) expect(Math.abs(figure - 2.97)).toBeLessThan(0.4);
    expect(profile.threshold).toBeGreaterThan(0.6);
    expect(profile.threshold).toBeLessThan(3);
    expect(profile.windows).toBe(1999);
  });

  it('rests on the prior while it has seen little, and on its own time when it has seen much', async () => {
    const prior = {
      spread: Array(columns).fill(1),
      residual: Array(columns).fill(3),
      deviation: Array(columns).fill(3),
      threshold: 9,
    };
    const learn = async (steps: number) =>
      await learnProfile(shape, noisyHistory(steps, 0.05), { from: 1, to: steps - 1 }, flat, prior);
    const [young, old] = [await learn(6), await learn(3000)];
    expect(young.threshold).toBeGreaterThan(7);
    expect(young.scalings[0]?.spread).toBeGreaterThan(0.9);
    expect(old.threshold).toBeLessThan(3);
    expect(old.scalings[0]?.spread).toBeLessThan(0.2);
  });

  it('leaves a column without values unknown and a constant one calm', async () => {
    const history = new History(columns, 60);
    for (let step = 0; step < 50; step++) history.put(step, 0, 7);
    const profile = await learnProfile(shape, history, { from: 0, to: 49 }, flat);
    expect(profile.scalings[0]).toEqual({ center: 7, spread: 0.03 });
    expect(profile.scalings[1]).toBeUndefined();
    expect([profile.residual[0], profile.deviation[0]]).toEqual([LEAST_RESIDUAL, LEAST_DEVIATION]);
  });
});

describe('usualSteps', () => {
  it('sets aside what is far beyond the usual with the steps just after it, and no more than a tenth', () => {
    const history = noisyHistory(400, 0.1);
    for (const step of [100, 101, 300]) for (let column = 0; column < columns; column++) history.put(step, column, 900);
    const scalings = Array.from({ length: columns }, () => ({ center: 100, spread: 0.1 }));
    const kept = new Set(usualSteps(shape, history, { from: 1, to: 399 }, scalings));
    expect([99, 100, 101, 102, 103, 104, 300, 302, 303].map((step) => kept.has(step))).toEqual([
      true,
      false,
      false,
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(kept.size).toBeGreaterThan(380);
    for (let step = 200; step < 400; step++)
      for (let column = 0; column < columns; column++) history.put(step, column, 900);
    const half = usualSteps(shape, history, { from: 1, to: 399 }, scalings);
    expect(half.filter((step) => step >= 200).length).toBeGreaterThan(150);
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

describe('tailThreshold', () => {
  const inARow = (loudnesses: readonly number[]) => loudnesses.map((loudness, step) => ({ step, loudness }));

  it('extrapolates the log-normal tail', () => {
    const random = noise(3);
    const values = Array.from({ length: 500 }, () => Math.exp(0.3 * (random() + random() + random() - 1.5) * 2));
    expect(tailThreshold(inARow(values))).toBeGreaterThan(Math.max(...values));
    expect(tailThreshold([])).toBeNaN();
  });

  it('is raised by what lasted two steps, not by single wild ones, nor by two with a gap between', () => {
    const calm = Array<number>(30).fill(1);
    expect(tailThreshold(inARow([...calm, 50, ...calm, 40, ...calm]))).toBe(1);
    expect(tailThreshold(inARow([...calm, 50, 40, ...calm]))).toBeGreaterThan(20);
    expect(
      tailThreshold([
        { step: 1, loudness: 50 },
        { step: 3, loudness: 50 },
        ...calm.map((loudness, step) => ({ step: 10 + step, loudness })),
      ]),
    ).toBe(1);
  });
});

describe('priors', () => {
  it('survive JSON, unknown figures included', async () => {
    const profile = await learnProfile(shape, noisyHistory(100, 0.1), { from: 1, to: 99 }, flat);
    const pooled = poolProfiles(columns, [{ ...profile, scalings: [undefined, ...profile.scalings.slice(1)] }]);
    const read = parsePrior(JSON.parse(JSON.stringify(pooled)));
    expect(read?.spread[0]).toBeNaN();
    expect(read?.spread[1]).toBe(pooled.spread[1]);
    expect(read?.threshold).toBe(pooled.threshold);
    expect(parsePrior(undefined)).toBeUndefined();
  });
});
