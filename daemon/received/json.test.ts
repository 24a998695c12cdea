import { expect, test } from 'vitest';
import { parseReceivedJson } from './json.ts';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

test('parses what is nested as deeply as allowed, whatever stands in strings', () => {
  const value = { a: [[{ '[[[[[{{{': '\\"[[[[[\\\\' }]], b: 'ü {{{{{{{{' };
  expect(parseReceivedJson(Buffer.from(JSON.stringify(value)), 4)).toEqual(value);
  expect(parseReceivedJson(Buffer.from(nested(100)))).toBeInstanceOf(Array);
});

test.each([nested(101), '['.repeat(1_000_000), '{"a":'.repeat(101), '{"a":"x', '[1,]', ''])('refuses %.20s', (text) => {
  expect(() => parseReceivedJson(Buffer.from(text))).toThrow(SyntaxError);
});
