import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { decodeFamilies } from '../testdata/metric-families.ts';
import { series } from './exposition.ts';
import { HISTOGRAM_WORDS, histogramSeries } from './histogram.ts';
import { ProtobufExposition } from './protobuf-exposition.ts';

describe('ProtobufExposition', () => {
  it('writes delimited families, and nothing for one without samples', () => {
    const out = new ProtobufExposition();
    out.family('a_total', 'counter', 'A.');
    out.sample(series('a_total', 'x="1"', 'y="b\\"\\\\\\n,}={"'), 1);
    out.sample(series('a_total', 'x="ü"'), 2.5);
    out.family('b', 'gauge', 'Empty.');
    out.family('c', 'gauge', 'Last.');
    out.sample(series('c'), -3);
    out.end();
    expect(decodeFamilies(out.bytes())).toEqual({
      samples: { 'a_total{x="1",y="b\\"\\\\\\n,}={"}': 1, 'a_total{x="ü"}': 2.5, c: -3 },
      types: { a_total: 0n, c: 1n },
      native: {},
    });
    expect(out.count).toBe(3);
  });

  it.each<[string, Record<number, number>]>([
    ['nothing', {}],
    ['short ones only', { 0: 7 }],
    ['one of each', Object.fromEntries(Array.from({ length: 23 }, (_, i) => [i, 1]))],
    ['a gap, and long ones', { 3: 2, 4: 1, 9: 300_000, 22: 5 }],
    ['long ones only', { 22: 4 }],
  ])('writes classic and native buckets that agree, of %s', (_, buckets) => {
    const words = new Float64Array(2 + HISTOGRAM_WORDS);
    words[2] = 1_500_000_000;
    for (const [bucket, count] of Object.entries(buckets)) words[3 + Number(bucket)] = count;
    const out = new ProtobufExposition();
    out.family('d_seconds', 'histogram', 'D.');
    out.histogram(histogramSeries('d_seconds', 'a="1"'), words, 2);
    out.end();
    const { samples, native, types } = decodeFamilies(out.bytes());
    expect(types).toEqual({ d_seconds: 4n });
    expect(samples['d_seconds_sum{a="1"}']).toBe(1.5);
    const bounds = Array.from({ length: 23 }, (__, i) => (i === 22 ? Infinity : 2 ** (i - 16)));
    let total = 0;
    for (const [i, bound] of bounds.entries()) {
      total += buckets[i] ?? 0;
      expect(samples[`d_seconds_bucket{a="1",le="${bound}"}`]).toBe(total);
      expect(native['d_seconds{a="1"}']?.[bound] ?? 0).toBe(buckets[i] ?? 0);
    }
    expect(samples['d_seconds_count{a="1"}']).toBe(total);
    expect(Object.values(native['d_seconds{a="1"}'] ?? {}).reduce((sum, count) => sum + count, 0)).toBe(total);
    expect(out.count).toBe(1);
  });

  it('discards everything written after a mark, and begins again', () => {
    const out = new ProtobufExposition();
    expect(() => out.sample(series('a'), 1)).toThrow('a sample before its family');
    out.family('a', 'gauge', 'A.');
    out.sample(series('a'), 1);
    const mark = out.mark();
    out.family('b', 'gauge', 'B.');
    out.sample(series('b'), 2);
    expect(() => out.family('a', 'gauge', 'A.')).toThrow('family a started twice');
    out.rollback(mark);
    out.family('b', 'gauge', 'B.');
    out.sample(series('b'), 4);
    out.end();
    expect(decodeFamilies(out.bytes()).samples).toEqual({ a: 1, b: 4 });
    out.begin();
    out.family('b', 'gauge', 'B.');
    out.sample(series('b'), 5);
    out.end();
    expect(decodeFamilies(out.bytes()).samples).toEqual({ b: 5 });
  });

  it('appends the metrics of prom-client', async () => {
    const registry = new Registry();
    const registers = [registry];
    new Counter({ name: 'c_total', help: 'C.', labelNames: ['x'], registers }).inc({ x: 'a"b' }, 3);
    registry.registerMetric(new Gauge({ name: 'unset', help: 'U.', labelNames: ['x'], registers: [] }));
    new Gauge({ name: 'g', help: 'G.', registers }).set(0.5);
    const histogram = new Histogram({ name: 'h', help: 'H.', labelNames: ['k'], buckets: [1, 2], registers });
    for (const [k, value] of [['a', 1] as const, ['a', 5] as const, ['b', 2] as const]) histogram.observe({ k }, value);
    const out = new ProtobufExposition();
    await out.append(registry);
    out.end();
    expect(decodeFamilies(out.bytes())).toEqual({
      samples: {
        'c_total{x="a\\"b"}': 3,
        g: 0.5,
        'h_bucket{k="a",le="1"}': 1,
        'h_bucket{k="a",le="2"}': 1,
        'h_bucket{k="a",le="Infinity"}': 2,
        'h_sum{k="a"}': 6,
        'h_count{k="a"}': 2,
        'h_bucket{k="b",le="1"}': 0,
        'h_bucket{k="b",le="2"}': 1,
        'h_bucket{k="b",le="Infinity"}': 1,
        'h_sum{k="b"}': 2,
        'h_count{k="b"}': 1,
      },
      types: { c_total: 0n, g: 1n, h: 4n },
      native: {},
    });
  });
});
