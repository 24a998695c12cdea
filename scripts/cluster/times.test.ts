import { expect, test } from 'vitest';
import { Times } from './times.ts';

test('times are a table in the order of their ends', async () => {
  const times = new Times();
  expect(times.render()).toBe('');
  expect(times.lastRow()).toBe('');
  expect(await times.measure('quick', () => Promise.resolve(7))).toBe(7);
  expect(times.lastRow()).toMatch(/^quick +0\.0 s$/);
  times.add('first score', 151.26);
  times.add('alert after the fault', 9);
  await expect(times.measure('failed', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(times.render()).toBe(
    [
      'quick                      0.0 s',
      'first score              151.3 s',
      'alert after the fault      9.0 s',
      '',
    ].join('\n'),
  );
});
