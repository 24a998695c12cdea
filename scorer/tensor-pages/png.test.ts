import { inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { encodePng } from './png.ts';

it('writes what the format asks for', async () => {
  const [first, second] = [
    [255, 0, 0, 0, 255, 0, 0, 0, 255],
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  ] as const;
  const png = await encodePng({ width: 3, height: 3, rgb: Uint8Array.from([...first, ...second, ...second]) });
  expect(png.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
  // Length, type, 3 x 3, 8 bits, true colour.
  expect(png.subarray(8, 29).toString('hex')).toBe('0000000d4948445200000003000000030802000000');
  const length = png.readUInt32BE(33);
  expect(png.toString('latin1', 37, 41)).toBe('IDAT');
  const rows = [...inflateSync(png.subarray(41, 41 + length))];
  // The third row is the difference from the second.
  expect(rows).toEqual([0, ...first, 0, ...second, 2, ...Array<number>(9).fill(0)]);
  // The end is the same in every PNG.
  expect(png.subarray(45 + length).toString('hex')).toBe('0000000049454e44ae426082');
});
