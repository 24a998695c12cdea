import { expect, test } from 'vitest';
import { cut, cutAndCount, escapeInvisible, escapeLines, quote } from './visible.ts';

test.each([
  ['a b\tü', 'a b\\u0009ü'],
  ['\u001b[31m', '\\u001b[31m'],
  ['\u009b31m', '\\u009b31m'],
  ['\u202e\u2066', '\\u202e\\u2066'],
  ['\u2028', '\\u2028'],
  ['\ud800x', '\\ud800x'],
  ['\u{e0001}', '\\udb40\\udc01'],
  ['😀', '😀'],
])('%j is written as %s', (text, written) => {
  expect(escapeInvisible(text)).toBe(written);
});

test('line breaks stay in text of several lines', () => {
  expect(escapeLines('a\nb\rc\u2028d')).toBe('a\nb\\u000dc\\u2028d');
});

test('a quoted text is on one line and short', () => {
  expect(quote('a"\n\u009b')).toBe('"a\\"\\n\\u009b"');
  expect(quote('\n'.repeat(200))).toHaveLength(80);
  expect(quote('x'.repeat(1_000_000), 20)).toBe('"xxxxxxxxxxxxxxxx...');
});

test('a text is cut, with the number of its characters where that helps', () => {
  expect(cut('abcdefgh', 8)).toBe('abcdefgh');
  expect(cut('abcdefghi', 8)).toBe('abcde...');
  expect(cutAndCount('abcdefghi', 8)).toBe('abcdefgh... (9 characters)');
});
