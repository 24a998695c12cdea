import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from './protobuf.ts';

const hex = (writer: ProtobufWriter) => Buffer.from(writer.finish()).toString('hex');

describe('ProtobufWriter', () => {
  // The first rows are the examples of protobuf's own encoding guide; the others follow from its rules by hand.
  it.each<[string, (w: ProtobufWriter) => ProtobufWriter, string]>([
    ['varint 150', (w) => w.varint(1, 150), '089601'],
    ['string', (w) => w.string(2, 'testing'), '120774657374696e67'],
    ['nested message', (w) => w.message(3, (m) => m.varint(1, 150)), '1a03089601'],
    ['packed varints', (w) => w.packedVarints(6, [3, 270, 86942]), '3206038e029ea705'],
    ['-2 as int64', (w) => w.varint(1, -2), '08feffffffffffffffff01'],
    ['the same as bigint', (w) => w.varint(1, -2n), '08feffffffffffffffff01'],
    ['milliseconds beyond 32 bits', (w) => w.varint(1, 1_700_000_000_000), '0880d095ffbc31'],
    ['2^53 - 1', (w) => w.varint(1, Number.MAX_SAFE_INTEGER), '08ffffffffffffff0f'],
    ['2^31', (w) => w.varint(1, 2 ** 31), '088080808008'],
    ['2^32 - 1', (w) => w.varint(1, 2 ** 32 - 1), '08ffffffff0f'],
    ['largest uint64', (w) => w.varint(1, 2n ** 64n - 1n), '08ffffffffffffffffff01'],
    ['two-byte tag', (w) => w.varint(16, 1), '800101'],
    ['double', (w) => w.double(1, 1), '09000000000000f03f'],
    ['float', (w) => w.float(1, 1), '0d0000803f'],
    ['fixed32', (w) => w.fixed32(1, 1), '0d01000000'],
    ["Prometheus' stale marker", (w) => w.fixed64(1, 0x7ff0000000000002n), '09020000000000f07f'],
    ['bytes', (w) => w.bytes(1, Uint8Array.of(1, 2)), '0a020102'],
    ['empty string', (w) => w.string(1, ''), '0a00'],
    ['UTF-8', (w) => w.string(1, 'é€'), '0a05c3a9e282ac'],
    ['packed doubles', (w) => w.packedDoubles(1, [1]), '0a08000000000000f03f'],
    ['packed floats', (w) => w.packedFloats(1, [1]), '0a040000803f'],
  ])('encodes %s', (_name, write, expected) => {
    expect(hex(write(new ProtobufWriter()))).toBe(expected);
  });

  it.each([0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152])('measures a nested text of %i bytes', (size) => {
    const text = 'x'.repeat(size);
    const nested = new ProtobufWriter(16).message(1, (w) => w.string(1, text)).varint(2, 7);
    const inner = new ProtobufWriter().bytes(1, new TextEncoder().encode(text)).finish();
    const expected = new ProtobufWriter().bytes(1, inner).varint(2, 7);
    expect(Buffer.from(nested.finish()).equals(expected.finish())).toBe(true);
  });

  it('starts over in the same buffer after a reset', () => {
    const writer = new ProtobufWriter().string(1, 'first message');
    expect(hex(writer.reset().varint(1, 1))).toBe('0801');
    expect(writer.length).toBe(2);
  });
});
