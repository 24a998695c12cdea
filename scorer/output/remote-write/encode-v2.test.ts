import { expect, test } from 'vitest';
import { decodeSnappyBlock } from '../../../test/testserver/snappy-block.ts';
import { decodeWriteRequestV2 } from '../../../test/testserver/write-request.ts';
import { STALE_NAN } from './encode.ts';
import { encodeWriteRequestV2 } from './encode-v2.ts';
import { identify, type Sample } from './sample.ts';

const NOW = Date.now();
const encode = (...samples: Sample[]) =>
  decodeWriteRequestV2(decodeSnappyBlock(encodeWriteRequestV2(samples.map(identify))));

test('series keep their labels, values and times', () => {
  const decoded = encode(
    { name: 'a', labels: { service: 'a', empty: '', namespace: 'ä\n"' }, value: -0.5, timestampMs: NOW },
    { name: 'b', labels: { service: 'a' }, value: 0, timestampMs: NOW, stale: true },
    { name: 'a', labels: { service: 'a', namespace: 'ä\n"' }, value: 1, timestampMs: NOW - 1 },
  );
  expect(decoded).toEqual([
    {
      labels: [
        ['__name__', 'a'],
        ['namespace', 'ä\n"'],
        ['service', 'a'],
      ],
      samples: [
        { bits: 0x3ff0000000000000n, timestampMs: NOW - 1 },
        { bits: 0xbfe0000000000000n, timestampMs: NOW },
      ],
    },
    {
      labels: [
        ['__name__', 'b'],
        ['service', 'a'],
      ],
      samples: [{ bits: STALE_NAN, timestampMs: NOW }],
    },
  ]);
});

test('more than 127 symbols', () => {
  const samples = Array.from({ length: 500 }, (_, i) => ({
    name: 'a',
    labels: { service: `service-${i}` },
    value: i,
    timestampMs: NOW,
  }));
  expect(encode(...samples).map(({ labels }) => labels[1]?.[1])).toEqual(samples.map(({ labels }) => labels.service));
});
