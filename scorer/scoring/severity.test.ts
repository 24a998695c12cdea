import { describe, expect, it } from 'vitest';
import { parseFeatures } from '../features/features.ts';
import { scoreOf } from './severity.ts';

const { features } = parseFeatures(
  'features.yaml',
  `windows: [1s, 2s, 4s]
features:
  - { name: rate, expr: 'a[$window]', scale: log, signal: traffic, load: true }
  - { name: latency, expr: 'b[$window]', scale: log, signal: latency }
  - { name: failures, expr: 'c[$window]', scale: log, signal: errors, failure: true }
  - { name: size, expr: 'd[$window]', scale: log, signal: errors, unit: bytes }
  - { name: calls, expr: 'g[$window]', scale: log, signal: errors }
  - { name: memory, expr: 'e[$window]', scale: log, signal: saturation }
  - { name: queue, expr: 'f[$window]', scale: linear, signal: saturation }
edges: []
`,
);
const NAMES = features.map(({ name }) => name);
const shape = { features, steps: [0, 1] };
const THRESHOLD = 2;
const scalings = Array.from({ length: 3 * features.length }, () => ({ center: 1, spread: 0.1 }));

/** The score of a service whose values are these factors of the usual ones, each twelve times as far off as is allowed. */
function score(factors: Readonly<Record<string, number>>, error = 24): number {
  const values = NAMES.map((name) => factors[name] ?? 1);
  const row = Float64Array.from([...values, ...values, ...values]);
  const errors = NAMES.map((name) => (factors[name] === undefined ? 0 : error));
  return scoreOf(shape, errors, THRESHOLD, { row, scalings });
}

describe('an anomaly is severe by', () => {
  it.each<[string, Readonly<Record<string, number>>]>([
    ['answers that take twice as long', { latency: 2.1 }],
    ['any failures', { failures: 1.2 }],
    ['answers of half the size', { size: 0.45 }],
    ['twice as many calls for each request', { calls: 2.2 }],
    ['half as many', { calls: 0.45 }],
    ['lost traffic', { rate: 0.05 }],
    ['three times the memory', { memory: 3 }],
    ['three times the memory at twice the load', { memory: 8, rate: 2 }],
    ['any increase of what is compared by difference', { queue: 1.5 }],
  ])('%s', (_, factors) => {
    expect(score(factors)).toBeGreaterThan(3);
  });
});

describe('an anomaly is not severe by', () => {
  it.each<[string, Readonly<Record<string, number>>]>([
    ['slightly slower answers', { latency: 1.8 }],
    ['quicker answers', { latency: 0.3 }],
    ['answers of three times the size', { size: 3 }],
    ['fewer failures', { failures: 0.1 }],
    ['ten times the visitors', { rate: 10 }],
    ['half the visitors', { rate: 0.5 }],
    ['twice the memory', { memory: 2 }],
    ['ten times the memory for ten times the visitors', { memory: 10, rate: 10 }],
    ['a shorter queue', { queue: 0 }],
  ])('%s', (_, factors) => {
    expect(score(factors)).toBe(3);
  });
});

it('is that of its errors up to a severe one, and by what does harm beyond', () => {
  expect(score({ memory: 1.5 }, 4)).toBe(1);
  expect(score({ memory: 1.5, rate: 3 }, 5)).toBe(2.5);
  expect(score({ latency: 4, memory: 1.5 }, 16)).toBe(4);
  expect(score({}, 0)).toBe(0);
  expect(
    scoreOf(
      shape,
      NAMES.map(() => NaN),
      THRESHOLD,
      { row: undefined, scalings },
    ),
  ).toBeNaN();
});
