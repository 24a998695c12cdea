import { expect, it } from 'vitest';
import { createLogger } from '../../../../daemon/logger.ts';
import { MONITOR } from './annotations.ts';
import { RejectedAnnotations } from './rejected-annotations.ts';

const rejection = (value: string) => ({ annotation: MONITOR, value, expected: 'x' });

it('logs each annotation once until it changes, and counts every change', () => {
  const log: string[] = [];
  const rejected = new RejectedAnnotations(createLogger({ write: (line) => log.push(line) }));
  for (const value of ['a', 'a', 'b', 'b']) rejected.update([['pod shop/cart', rejection(value)]], 0);
  expect(log.map((line) => /value=(\S+)/.exec(line)?.[1])).toEqual(['a', 'b']);
  expect(rejected.total).toBe(2);
});

it('logs 20 a minute, and then how many more there were', () => {
  const log: string[] = [];
  const rejected = new RejectedAnnotations(createLogger({ write: (line) => log.push(line) }));
  for (let value = 0; value < 100; value++) rejected.update([['pod shop/cart', rejection(String(value))]], value);
  expect(log).toHaveLength(20);
  rejected.update([['pod shop/cart', rejection('last')]], 60_000);
  expect(log.slice(20)).toEqual([expect.stringContaining('annotations=80'), expect.stringContaining('value=last')]);
  expect(rejected.total).toBe(101);
});
