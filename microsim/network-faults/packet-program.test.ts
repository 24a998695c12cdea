import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withPacketFault } from './packet-program.ts';

const object = readFileSync(join(import.meta.dirname, '../../dist/lorikeet-sim.bpf.o'));

it('writes the constants of a fault, and nothing else', () => {
  const changed = withPacketFault(object, { share: 0.5, seed: 0x01020304, destination: '10.88.0.12' });
  const at = changed.findIndex((byte, index) => byte !== object[index]);
  // The first byte that differs is the lowest one of the limit that is not zero, 2^31.
  const offset = at - 3;
  const constants = [0, 0, 0, 0x80, 0, 0, 0, 0, 4, 3, 2, 1, 10, 88, 0, 12];
  expect([...changed.subarray(offset, offset + 16)]).toEqual(constants);
  expect(changed.subarray(0, offset).equals(object.subarray(0, offset))).toBe(true);
  expect(changed.subarray(offset + 16).equals(object.subarray(offset + 16))).toBe(true);
});

it('keeps a share of 1 above every random number', () => {
  const all = withPacketFault(object, { share: 1, seed: 0 });
  const at = all.findIndex((byte, index) => byte !== object[index]);
  expect(all.readBigUInt64LE(at - 4)).toBe(2n ** 32n);
});

it('refuses what is no object', () => {
  const text = Buffer.from('not an object at all');
  expect(() => withPacketFault(text, { share: 1, seed: 1 })).toThrow('expected a little-endian ELF object');
});
