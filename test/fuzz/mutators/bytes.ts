import type { Random } from '../../../scorer/numeric/random.ts';
import { below, pick } from './choice.ts';

/** Controls, halves of UTF-8 sequences, and what is no UTF-8 at all. */
const BYTES = [0x00, 0x08, 0x09, 0x0a, 0x0d, 0x1b, 0x20, 0x7f, 0x80, 0xc0, 0xe2, 0xed, 0xf5, 0xff];

type Change = (bytes: Buffer, at: number, random: Random, other: Buffer) => Buffer;

const replaced = (bytes: Buffer, start: number, end: number, by: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, start), by, bytes.subarray(end)]);

const CHANGES: readonly Change[] = [
  (bytes, at, random) => replaced(bytes, at, at + 1, Buffer.from([(bytes[at] ?? 0) ^ (1 << below(random, 8))])),
  (bytes, at, random) => replaced(bytes, at, at, Buffer.from([pick(random, BYTES)])),
  (bytes, at, random) => replaced(bytes, at, at + 1, Buffer.from([pick(random, BYTES)])),
  (bytes, at, random) => replaced(bytes, at, at + 1 + below(random, 16), Buffer.alloc(0)),
  (bytes, at, random) => replaced(bytes, at, at, bytes.subarray(at, at + 1 + below(random, 200))),
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, random, other) => replaced(bytes, at, bytes.length, other.subarray(below(random, other.length + 1))),
  (bytes, at, random) => replaced(bytes, at, at, Buffer.alloc(10 ** below(random, 5), pick(random, BYTES))),
];

/** `bytes` with one change that knows nothing of their meaning. @param other another input, to go on with */
export function mutateBytes(bytes: Buffer, random: Random, other: Buffer): Buffer {
  return pick(random, CHANGES)(bytes, below(random, bytes.length + 1), random, other);
}
