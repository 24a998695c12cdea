import { expect, test } from 'vitest';
import { createLogger } from '../logger.ts';
import { cutText } from './text.ts';

test('cuts only what is longer', () => {
  expect(cutText('abcde', 5)).toBe('abcde');
  expect(cutText('abcdef', 5)).toBe('abcde… (6 characters)');
});

test.each(['logfmt', 'json'] as const)('a log line has the start of long values: %s', (format) => {
  const lines: string[] = [];
  const logger = createLogger({ format, write: (line) => lines.push(line) });
  const long = 'x'.repeat(200_000);
  logger.with({ bound: long }).warn('long', { text: long, error: new Error(long, { cause: new Error(long) }) });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.length).toBeLessThan(7000);
  expect(lines[0]).toContain('(200000 characters)');
});
