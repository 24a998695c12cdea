import { expect, test } from 'vitest';
import { parseReceivedJson } from './json.ts';

const long = 'x'.repeat(100_000);
const nested = (depth: number) => `${'['.repeat(depth)}"${long}"${']'.repeat(depth)}`;

test('parses what is nested as deeply as allowed, whatever stands in strings', () => {
  const value = { a: [[{ '[[[[[{{{': '\\"[[[[[\\\\'.repeat(200) }]], b: 'ü {{{{{{{{', long };
  expect(parseReceivedJson(Buffer.from(JSON.stringify(value)))).toEqual(value);
  expect(parseReceivedJson(Buffer.from(nested(100)))).toBeInstanceOf(Array);
});

test.each([nested(101), '['.repeat(1_000_000), '{"a":'.repeat(100_000), '{"a":"x', `"${long}`, '[1,]', ''])(
  'refuses %.20s',
  (text) => {
    expect(() => parseReceivedJson(Buffer.from(text))).toThrow(SyntaxError);
  },
);
