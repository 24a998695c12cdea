import { expect, test } from 'vitest';
import { identify, violationOf, type Sample } from './sample.ts';

const sample = (name: string, labels: Record<string, string> = {}, timestampMs = 1): Sample => ({
  name,
  labels,
  value: 0,
  timestampMs,
});
const key = (one: Sample) => identify(one).key;

test.each([
  [sample('a:b_1', { _x: '', A9: 'anything, "at" all' }), undefined],
  [sample(''), 'metric name ""'],
  [sample('1a'), 'metric name "1a"'],
  [sample('a-b'), 'metric name "a-b"'],
  [sample('a', { 'b:c': '1' }), 'label name "b:c"'],
  [sample('a', { '': '1' }), 'label name ""'],
  [sample('a', { __name__: 'b' }), 'label name "__name__"'],
  [sample('a', {}, 1.5), 'timestamp 1.5'],
  [sample('a', {}, Number.NaN), 'timestamp NaN'],
  [sample('a', {}, -1), 'timestamp -1'],
])('%j', (one, expected) => {
  expect(violationOf(one)).toBe(expected);
});

test('a key stands for one series', () => {
  expect(key(sample('a', { b: '1', c: '2' }))).toBe(key(sample('a', { c: '2', b: '1', d: '' }, 9)));
  const others = [
    sample('a'),
    sample('b'),
    sample('a', { b: '1,c=1:2' }),
    sample('a', { b: '1', c: '2' }),
    sample('a', { b: '12' }),
    sample('a', { b1: '2' }),
  ];
  expect(new Set(others.map(key)).size).toBe(others.length);
});
