import { describe, expect, it } from 'vitest';
import { History } from '../../fleet/history.ts';
import { Random } from '../../numeric/random.ts';
import type { ColumnScaling } from '../../tensor/scaling.ts';
import { featureOf } from './feature.testdata.ts';
import { Trends, trendScore } from './trends.ts';

const features = [featureOf('requests', 'traffic', { load: true }), featureOf('memory', 'saturation')];
const COLUMNS = 6;

/** Lives so many hours; returns the trend at the end and the first hour at which its score was above 1. */
function grow(
  hours: number,
  values: (hour: number) => { readonly requests: number; readonly memory: number },
  scalings: readonly (ColumnScaling | undefined)[] = [],
) {
  const trends = new Trends(features, 60);
  const history = new History(COLUMNS, 62);
  const random = new Random(1);
  let seen: number | undefined;
  for (let step = 1; step <= hours * 60; step++) {
    const { requests, memory } = values(step / 60);
    for (let column = 0; column < COLUMNS; column++) {
      history.put(step, column, (column % 2 === 0 ? requests : memory) * Math.exp(0.01 * random.normal()));
    }
    trends.observe('cart', history, step, scalings);
    const trend = trends.trendOf('cart');
    if (seen === undefined && trend !== undefined && trendScore(trend) > 1) seen = step / 60;
  }
  return { trend: trends.trendOf('cart'), seen };
}
const day = (hour: number) => 1 + 0.8 * Math.sin((2 * Math.PI * hour) / 24);

describe('Trends', () => {
  it('sees memory that grows to eight times in 40 hours before it is three times', () => {
    const { trend, seen } = grow(40, (hour) => ({ requests: 50, memory: 100 * 8 ** (hour / 40) }));
    expect(trend).toMatchObject({ feature: 1 });
    expect(seen).toBeGreaterThan(8);
    expect(100 * 8 ** (seen! / 40)).toBeLessThan(300);
  });

  it('sees it although the load of the days goes up and down', () => {
    const known = { center: 100, spread: 0.05, response: { slope: 0.05, uncertainty: 0.02 } };
    const values = (hour: number) => ({ requests: 50 * day(hour), memory: 100 * 8 ** (hour / 40) });
    const { seen } = grow(
      40,
      values,
      Array.from({ length: COLUMNS }, () => known),
    );
    expect(100 * 8 ** (seen! / 40)).toBeLessThan(300);
  });

  it.each([
    ['what follows the load', (hour: number) => ({ requests: 50 * day(hour), memory: 100 * day(hour) })],
    [
      'what is used for each of fewer requests',
      (hour: number) => ({ requests: 50 * day(hour), memory: 100 / day(hour) }),
    ],
    ['a step', (hour: number) => ({ requests: 50, memory: hour < 20 ? 100 : 250 })],
    [
      'growth that ends when the service restarts',
      (hour: number) => ({ requests: 50, memory: 100 * 1.09 ** (hour % 8) }),
    ],
  ])('does not take %s for a trend', (_, values) => {
    expect(grow(72, values).seen).toBeUndefined();
  });

  it('goes on after a restart of the scorer', () => {
    const trends = new Trends(features, 60);
    trends.restore([['cart', [{ hour: 1, values: [50, 100] }]]]);
    expect(trends.all.get('cart')).toHaveLength(1);
    trends.forget(() => false);
    expect(trends.all.size).toBe(0);
  });
});
