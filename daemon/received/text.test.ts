import { expect, test } from 'vitest';
import { cutText } from './text.ts';

test('cuts only what is longer', () => {
  expect(cutText('abcde', 5)).toBe('abcde');
  expect(cutText('abcdef', 5)).toBe('abcde… (6 characters)');
});
