import { expect, test } from 'vitest';
import { mergeRows, rowsOf } from './results.ts';

test('each peer has the ratio to Lorikeet', () => {
  const points = new Map([
    [undefined, [2, 4, 3]],
    ['other', [6, 6, 7]],
  ]);
  expect(rowsOf('cost', 'ms', points)).toEqual([
    { what: 'cost', median: 3, p99: 4, unit: 'ms' },
    { what: 'cost', median: 6, p99: 7, unit: 'ms', peer: 'other', ratio: 2 },
  ]);
});

test('a peer without Lorikeet, or with zero, has no ratio', () => {
  expect(rowsOf('lost', '%', new Map([['other', [1]]]))).toEqual([
    { what: 'lost', median: 1, p99: 1, unit: '%', peer: 'other' },
  ]);
  const [, peer] = rowsOf(
    'lost',
    '%',
    new Map([
      [undefined, [0]],
      ['other', [1]],
    ]),
  );
  expect(peer).not.toHaveProperty('ratio');
});

test('new measurements replace earlier ones', () => {
  const row = (what: string, median: number) => ({ what, median, p99: median, unit: 'ms' });
  const merged = mergeRows([row('a', 1), row('b', 1)], [row('b', 2), row('c', 2)]);
  expect(merged).toEqual([row('a', 1), row('b', 2), row('c', 2)]);
});
