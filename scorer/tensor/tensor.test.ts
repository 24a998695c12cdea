import { describe, expect, it } from 'vitest';
import { CHANNELS, type Feature, parseFeatures } from '../features/features.ts';
import { History } from '../fleet/history.ts';
import { loadBeyond } from './load.ts';
import { type ColumnScaling, fromUnit } from './scaling.ts';
import { allocateWindows, encodeWindow } from './tensor.ts';

const { features } = parseFeatures(
  'features.yaml',
  `windows: [1s, 2s, 4s]
features:
  - { name: rate, expr: 'a[$window]', scale: log, signal: traffic, load: true }
  - { name: memory, expr: 'b[$window]', scale: log }
edges: []
`,
);
const STEPS = [0, 1, 2, 3, 5, 8];
const SPREAD = 0.1;
const learned = (drifts?: ColumnScaling['drifts']): (ColumnScaling | undefined)[] =>
  CHANNELS.flatMap(() => [
    { center: 100, spread: SPREAD, drifts },
    { center: 50, spread: SPREAD, response: { slope: 0.5, uncertainty: 0 } },
  ]);

/** The deviations of the shortest window at the last step of a service with these values, ten steps of each. */
function deviations(
  past: readonly [rate: number, memory: number],
  now: readonly [rate: number, memory: number],
  scalings: readonly (ColumnScaling | undefined)[],
): Record<string, number> {
  const history = new History(CHANNELS.length * features.length, 20);
  for (let step = 0; step <= 10; step++) {
    for (const column of scalings.keys()) history.put(step, column, (step < 10 ? past : now)[column % 2]!);
  }
  const windows = allocateWindows({ features, steps: STEPS }, 1);
  encodeWindow({ features, steps: STEPS }, history, 10, scalings, windows, 0);
  return Object.fromEntries(features.map(({ name }: Feature, at) => [name, fromUnit(windows.data[at]!)]));
}

const ANYWHERE = { low: -3, high: 3 };

describe('a window', () => {
  it('shows memory without what the load explains of it', () => {
    expect(deviations([100, 50], [400, 100], learned())['memory']).toBeCloseTo(0, 1);
    expect(deviations([100, 50], [100, 100], learned())['memory']).toBeGreaterThan(5);
  });

  it('shows a load that is far from usual, unless it may drift and came there slowly', () => {
    expect(deviations([400, 100], [400, 100], learned())['rate']).toBeGreaterThan(10);
    expect(deviations([400, 100], [400, 100], learned(ANYWHERE))['rate']).toBeCloseTo(0, 5);
    expect(deviations([100, 50], [400, 50], learned(ANYWHERE))['rate']).toBeGreaterThan(10);
    // Back at the usual load is no jump.
    expect(deviations([400, 100], [100, 50], learned(ANYWHERE))['rate']).toBeCloseTo(0, 5);
  });

  it('explains by a load that drifts only what it did slowly', () => {
    expect(deviations([400, 100], [400, 100], learned(ANYWHERE))['memory']).toBeCloseTo(0, 1);
    expect(deviations([100, 50], [1600, 200], learned(ANYWHERE))['memory']).toBeGreaterThan(5);
  });

  it('trusts a line less where the load has never been', () => {
    const within = deviations([400, 150], [400, 150], learned(ANYWHERE))['memory']!;
    const beyond = deviations([400, 150], [400, 150], learned({ low: -1, high: 0.2 }))['memory']!;
    expect(within).toBeGreaterThan(3);
    expect(beyond).toBeGreaterThan(1);
    expect(beyond).toBeLessThan(0.6 * within);
  });
});

it('tells how far a load is from where it has been, in each channel', () => {
  const scalings = learned({ low: -1, high: 0.5 });
  expect(loadBeyond(features, [0.4, 0.75, -3], scalings)).toEqual([0, 0.25, 2]);
  expect(loadBeyond(features, [9, 9, 9], learned())).toEqual([0, 0, 0]);
});
