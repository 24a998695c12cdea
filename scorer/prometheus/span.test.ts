import { expect, test } from 'vitest';
import type { RangeSeries } from './response.ts';
import { PrometheusError } from './error.ts';
import { fetchSpans, halveBySteps, halveByTime, joinParts, splitSpan, type Span } from './span.ts';

const tooMany = () =>
  new PrometheusError('EXECUTION', 'query would load too many samples into memory', { status: 422 });
const series = (labels: Record<string, string>, ...times: number[]): RangeSeries => ({
  labels,
  timestamps: Float64Array.from(times),
  values: Float64Array.from(times),
});

test.each([
  [0, 0, 10, 5, [[0, 0]]],
  [0, 9, 10, 5, [[0, 0]]],
  [0, 40, 10, 5, [[0, 40]]],
  [
    0,
    50,
    10,
    5,
    [
      [0, 40],
      [50, 50],
    ],
  ],
  [
    3,
    108,
    10,
    5,
    [
      [3, 43],
      [53, 93],
      [103, 103],
    ],
  ],
])('from %i to %i by %i at most %i points', (startMs, endMs, step, points, expected) => {
  expect(splitSpan({ startMs, endMs }, step, points).map((span) => [span.startMs, span.endMs])).toEqual(expected);
});

test('halves hold the same steps as the whole, down to one step', () => {
  const halve = halveBySteps(10);
  expect(halve({ startMs: 0, endMs: 25 })).toEqual([
    { startMs: 0, endMs: 10 },
    { startMs: 20, endMs: 20 },
  ]);
  expect(halve({ startMs: 0, endMs: 9 })).toBeUndefined();
  expect(halveByTime(1000)({ startMs: 0, endMs: 2001 })).toEqual([
    { startMs: 0, endMs: 1000 },
    { startMs: 1000, endMs: 2001 },
  ]);
  expect(halveByTime(1000)({ startMs: 0, endMs: 1999 })).toBeUndefined();
});

test('what is too much at once is fetched in halves, in order of time, with its warnings once', async () => {
  const asked: Span[] = [];
  const result = await fetchSpans([{ startMs: 0, endMs: 70 }], halveBySteps(10), async (span, visit) => {
    asked.push(span);
    if (span.endMs - span.startMs > 20) throw tooMany();
    for (let time = span.startMs; time <= span.endMs; time += 10) visit(series({ t: String(time % 20) }, time));
    return ['partial'];
  });
  expect(asked.map(({ startMs, endMs }) => `${startMs}-${endMs}`)).toEqual([
    '0-70',
    '0-30',
    '0-10',
    '20-30',
    '40-70',
    '40-50',
    '60-70',
  ]);
  expect(result.warnings).toEqual(['partial']);
  expect(result.series.map(({ labels, timestamps }) => [labels['t'], ...timestamps])).toEqual([
    ['0', 0, 20, 40, 60],
    ['10', 10, 30, 50, 70],
  ]);
});

test('the floor and other errors end the fetch', async () => {
  await expect(
    fetchSpans([{ startMs: 0, endMs: 30 }], halveBySteps(10), () => Promise.reject(tooMany())),
  ).rejects.toThrow('too many samples');
  let asked = 0;
  const other = new PrometheusError('EXECUTION', 'duplicate series for the match group', { status: 422 });
  const fetch = () => {
    asked++;
    return Promise.reject(other);
  };
  await expect(fetchSpans([{ startMs: 0, endMs: 30 }], halveBySteps(10), fetch)).rejects.toBe(other);
  expect(asked).toBe(1);
});

test('parts are joined by their labels, in whatever order these come', () => {
  const joined = joinParts([
    [series({ a: '1', b: '2' }, 1, 2), series({ a: '2' }, 1)],
    [series({ b: '2', a: '1' }, 3), series({ a: '3' }, 4)],
  ]);
  expect(joined.map(({ labels, timestamps, values }) => [labels, [...timestamps], [...values]])).toEqual([
    [{ a: '1', b: '2' }, [1, 2, 3], [1, 2, 3]],
    [{ a: '2' }, [1], [1]],
    [{ a: '3' }, [4], [4]],
  ]);
});
