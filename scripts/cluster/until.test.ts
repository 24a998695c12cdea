import { expect, test } from 'vitest';
import { until } from './until.ts';

test('until tries again after an error or a false value, and has the last error as its cause', async () => {
  const answers: (() => Promise<number | undefined>)[] = [
    () => Promise.reject(new Error('not yet')),
    () => Promise.resolve(undefined),
    () => Promise.resolve(3),
  ];
  expect(await until('an answer', { seconds: 5 }, () => answers.shift()?.() ?? Promise.resolve(0))).toBe(3);
  const failing = until('an answer', { seconds: 0 }, () => Promise.reject(new Error('never')));
  await expect(failing).rejects.toThrow(
    expect.objectContaining({ message: 'an answer: not within 0 s', cause: new Error('never') }),
  );
});

test('until ends at once with what its check throws', async () => {
  const check = () => {
    throw new Error('ended');
  };
  await expect(until('an answer', { seconds: 60, check }, () => Promise.resolve(undefined))).rejects.toThrow('ended');
});
