import { expect, test } from 'vitest';
import { decodeSnappyBlock } from '../../../test/testserver/snappy-block.ts';
import { decodeWriteRequest } from '../../../test/testserver/write-request.ts';
import { encodeWriteRequest, groupBySeries, STALE_NAN } from './encode.ts';
import { identify, type Sample } from './sample.ts';

const sample = (more: Partial<Sample> = {}): Sample => ({
  name: 'anomaly_score',
  labels: { service: 'cart' },
  value: 1,
  timestampMs: 1_700_000_000_000,
  ...more,
});
const decode = (samples: readonly Sample[]) =>
  decodeWriteRequest(decodeSnappyBlock(encodeWriteRequest(samples.map(identify))));
const bits = (value: number) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};

test('the bytes of a small request, computed by hand', () => {
  const message = decodeSnappyBlock(
    encodeWriteRequest([identify(sample({ name: 'up', labels: { a: 'b' }, timestampMs: 300 }))]),
  );
  const label = (name: string, value: string) => {
    const inner = Buffer.from(
      `\n${String.fromCharCode(name.length)}${name}\x12${String.fromCharCode(value.length)}${value}`,
    );
    return [0x0a, inner.length, ...inner];
  };
  const one = [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
  const series = [...label('__name__', 'up'), ...label('a', 'b'), 0x12, 12, ...one, 0x10, 0xac, 0x02];
  expect([...message]).toEqual([0x0a, series.length, ...series]);
});

test('labels are sorted, those without a value left out', () => {
  const [series] = decode([sample({ labels: { z: '1', Z: '2', _a: '3', a: '', a1: 'ü' } })]);
  expect(series?.labels).toEqual([
    ['Z', '2'],
    ['__name__', 'anomaly_score'],
    ['_a', '3'],
    ['a1', 'ü'],
    ['z', '1'],
  ]);
});

test.each([
  ['zero', 0, 0n],
  ['minus zero', -0, 0x8000000000000000n],
  ['an infinity', Number.NEGATIVE_INFINITY, 0xfff0000000000000n],
  ['the least number', 5e-324, 1n],
  ['NaN', Number.NaN, 0x7ff8000000000001n],
])('%s keeps its bits', (_what, value, expected) => {
  expect(decode([sample({ value })])[0]?.samples[0]?.bits).toBe(expected);
});

test('a stale marker is the NaN of Prometheus, whatever the value', () => {
  for (const value of [1, Number.NaN]) {
    expect(decode([sample({ value, stale: true })])[0]?.samples[0]?.bits).toBe(STALE_NAN);
  }
});

test('samples of one series come together in order of time, the later given of one time', () => {
  const given = [3, 1, 2, 2, 4].map((at, i) => sample({ value: i, timestampMs: at + 1_700_000_000_000 }));
  const [one, ...others] = groupBySeries(given.map(identify));
  expect(others).toEqual([]);
  expect(one?.map(({ sample: { timestampMs, value } }) => [timestampMs - 1_700_000_000_000, value])).toEqual([
    [1, 1],
    [2, 3],
    [3, 0],
    [4, 4],
  ]);
});

test('a request of more than a block of snappy arrives whole', () => {
  const many = Array.from({ length: 5000 }, (_, i) =>
    sample({ labels: { service: `s${i}`, other: '鸚鵡'.repeat((i % 50) + 1) }, value: i / 7 }),
  );
  const decoded = decode(many);
  expect(decoded.length).toBe(5000);
  for (const [i, { labels, samples }] of decoded.entries()) {
    expect(Object.fromEntries(labels)).toEqual({ __name__: 'anomaly_score', ...many[i]?.labels });
    expect(samples).toEqual([{ bits: bits(i / 7), timestampMs: 1_700_000_000_000 }]);
  }
});
