import { describe, expect, it } from 'vitest';
import { parseFeatures } from '../features/features.ts';
import { History } from '../fleet/history.ts';
import { idleLimits, isIdle } from './idle.ts';

const { features } = parseFeatures(
  'features.yaml',
  `windows: [1s, 2s, 4s]
features:
  - { name: rate, expr: 'a[$window]', scale: log, signal: traffic, load: true, floor: 0.1 }
  - { name: latency, expr: 'b[$window]', scale: log, signal: latency }
  - { name: failed_calls, expr: 'c[$window]', scale: log, signal: errors, failure: true, floor: 0.1 }
  - { name: memory, expr: 'd[$window]', scale: log, signal: saturation, unit: bytes, floor: 1000 }
edges: []
`,
);
const shape = { features, steps: [0] };
const COLUMNS = 3 * features.length;
const STEP = 5;
const USUAL = [10, 0.1, 0, 50_000];

/** A service that usually works, with these values in all windows now. */
function service(values: readonly number[], { usual = USUAL, days = 0.3, called = false } = {}) {
  const history = new History(COLUMNS, 10);
  for (let column = 0; column < COLUMNS; column++) history.put(STEP, column, values[column % features.length]!);
  const scalings = Array.from({ length: COLUMNS }, (_, column) => ({
    center: usual[column % features.length]!,
    spread: 0.1,
  }));
  const ones = Array<number>(COLUMNS).fill(1);
  const learned = { scalings, residual: ones, deviation: ones, threshold: 2, windows: 100, from: 0, to: 4 };
  return { history, profile: { ...learned, days }, scalings, called };
}
const SILENT = [0, NaN, 0, 49_000];

describe('a service without requests is idle', () => {
  it.each<[string, ReturnType<typeof service>, boolean]>([
    ['while it is young', service(SILENT), true],
    ['if others call it', service(SILENT, { days: 30, called: true }), true],
    ['if its memory has never been more than nothing', service([0, NaN, 0, 0], { usual: [10, 0.1, 0, 0] }), true],
    ['but not if it is an entry that has been known for a day', service(SILENT, { days: 2 }), false],
    ['but not with requests', service([1, 0.1, 0, 49_000]), false],
    ['but not without memory: its process has ended', service([0, NaN, 0, 0]), false],
    ['nor if others call it then', service([0, NaN, 0, 0], { days: 30, called: true }), false],
  ])('%s', (_, one, expected) => {
    expect(isIdle(shape, one, STEP)).toBe(expected);
  });
});

it('limits the errors of an idle service to calls of it that fail and what it takes more than usual', () => {
  const deviations = Array<number>(COLUMNS).fill(20);
  expect(idleLimits(shape, service(SILENT), STEP, deviations)).toEqual([0, 0, 0, 0]);
  const [rate, , failures, memory] = idleLimits(shape, service([0, NaN, 5, 500_000]), STEP, deviations);
  expect(rate).toBe(0);
  expect(failures).toBe(20);
  expect(memory).toBe(20);
});
