import { expect, it } from 'vitest';
import { oneAtATime } from './one-at-a-time.ts';

/** Work that the test ends itself. */
function work() {
  const ends: ((error?: Error) => void)[] = [];
  let [begun, underWay, most] = [0, 0, 0];
  const run = oneAtATime(async () => {
    begun++;
    most = Math.max(most, ++underWay);
    try {
      await new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())));
    } finally {
      underWay--;
    }
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { run, turn, ends, seen: () => ({ begun, most }) };
}

it('runs once more for all calls that came during a run, and never twice at a time', async () => {
  const { run, turn, ends, seen } = work();
  const first = run();
  const others = Array.from({ length: 100 }, run);
  expect(seen()).toEqual({ begun: 1, most: 1 });
  ends[0]?.();
  await first;
  await turn();
  expect(seen()).toEqual({ begun: 2, most: 1 });
  ends[1]?.();
  await Promise.all(others);
  const later = run();
  ends[2]?.();
  await later;
  expect(seen()).toEqual({ begun: 3, most: 1 });
});

it('tells those who called for a run that it failed, and goes on', async () => {
  const { run, turn, ends } = work();
  const first = run();
  const second = run();
  ends[0]?.(new Error('torn'));
  await expect(first).rejects.toThrow('torn');
  await turn();
  const third = run();
  ends[1]?.();
  await second;
  await turn();
  ends[2]?.(new Error('torn again'));
  await expect(third).rejects.toThrow('torn again');
});
