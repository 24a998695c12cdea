import { expect, it } from 'vitest';
import { ProtocolError } from './api-error.ts';
import { JsonLines } from './json-lines.ts';

function read(text: string, size: number, maxBytes?: number): unknown[] {
  const values: unknown[] = [];
  const lines = new JsonLines((value) => values.push(value), maxBytes);
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) lines.push(bytes.subarray(start, start + size));
  return values;
}

it.each([1, 3, 1000])('reads lines in chunks of %i bytes', (size) =>
  expect(read('{"a":"ü"}\n\n[1]\n{"b":', size)).toEqual([{ a: 'ü' }, [1]]),
);

it.each([1, 7, 1000])('refuses a line without end, and one that is too long, in chunks of %i bytes', (size) => {
  expect(() => read(`{"a":"${'x'.repeat(200)}`, size, 100)).toThrow(ProtocolError);
  expect(() => read(`{"a":"${'x'.repeat(200)}"}\n`, size, 100)).toThrow(ProtocolError);
  expect(read(`{"a":"${'x'.repeat(80)}"}\n`.repeat(50), size, 100)).toHaveLength(50);
});
