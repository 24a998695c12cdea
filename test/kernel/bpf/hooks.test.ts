import { expect, test, vi, type TestContext } from 'vitest';
import { loads, needsHook } from './hooks.ts';

/** The reason of the skip. */
function skipOf(section: string): string | undefined {
  const skip = vi.fn<(note?: string) => void>();
  needsHook({ skip } as unknown as Pick<TestContext, 'skip'>, section);
  return skip.mock.lastCall?.[0];
}

test.each(['tp_btf/sched_switch', 'raw_tp/sched_switch', 'iter/task_file'])('the kernel accepts %s', (section) => {
  expect(loads(section)).toBe(true);
  expect(skipOf(section)).toBeUndefined();
});

test.each([
  ['tp_btf/lorikeet_has_no_such_hook', 'the kernel has no tp_btf/lorikeet_has_no_such_hook'],
  ['iter/lorikeet_has_no_such_hook', 'the kernel has no iter/lorikeet_has_no_such_hook'],
])('it does not accept %s, which is the reason of a skip', (section, reason) => {
  expect(loads(section)).toBe(false);
  expect(skipOf(section)).toBe(reason);
});
