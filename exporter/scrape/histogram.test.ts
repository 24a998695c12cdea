import { expect, it } from 'vitest';
import { TextExposition } from './text-exposition.ts';
import { BUCKET_BOUNDS, HISTOGRAM_WORDS, histogramCount, histogramSeries } from './histogram.ts';

it('has the bounds of bpf/shared/histogram.h in seconds', () => {
  expect(BUCKET_BOUNDS).toHaveLength(23);
  expect(BUCKET_BOUNDS.slice(0, 4)).toEqual([
    '1.52587890625e-05',
    '3.0517578125e-05',
    '6.103515625e-05',
    '0.0001220703125',
  ]);
  expect(BUCKET_BOUNDS.slice(-2)).toEqual(['32', '+Inf']);
  for (const [index, bound] of BUCKET_BOUNDS.slice(0, -1).entries()) {
    expect(Number(bound)).toBe(2 ** (index - 16));
  }
});

it('writes cumulative buckets, the sum in seconds, and a count equal to the last bucket', () => {
  const words = new Float64Array(2 + HISTOGRAM_WORDS);
  words.set([7, 7]);
  words[2] = 1_500_000_000;
  words[3] = 2;
  words[3 + 3] = 5;
  words[3 + 22] = 1;
  expect(histogramCount(words, 2)).toBe(8);
  const out = new TextExposition();
  out.family('d_seconds', 'histogram', 'D.');
  out.histogram(histogramSeries('d_seconds', 'a="1"'), words, 2);
  const lines = out.toString().split('\n');
  expect(lines).toHaveLength(2 + 25 + 1);
  expect(lines[2]).toBe('d_seconds_bucket{a="1",le="1.52587890625e-05"} 2');
  expect(lines[4]).toBe('d_seconds_bucket{a="1",le="6.103515625e-05"} 2');
  expect(lines[5]).toBe('d_seconds_bucket{a="1",le="0.0001220703125"} 7');
  expect(lines[23]).toBe('d_seconds_bucket{a="1",le="32"} 7');
  expect(lines.slice(24)).toEqual([
    'd_seconds_bucket{a="1",le="+Inf"} 8',
    'd_seconds_sum{a="1"} 1.5',
    'd_seconds_count{a="1"} 8',
    '',
  ]);
});
