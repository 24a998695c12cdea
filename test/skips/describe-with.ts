import { describe } from 'vitest';
import type { Need } from './needs.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** The reason why the tests of a suite are skipped. vitest only has a reason for tests that skip themselves. */
    lack?: string;
  }
}

/**
 * `describe` for tests with requirements. If the machine lacks one, they are skipped, and the reason is printed at the
 * end of the run. The callback always runs, to collect the tests, so code that uses a requirement belongs in a hook or
 * a test.
 *
 * @example
 * describeWith([KUBERNETES, HELM], 'the chart', () => test('is installed', install));
 */
export function describeWith(needs: readonly Need[], title: string, tests: () => void): void {
  const lack = needs.find((need) => need.isMissing())?.lack;
  if (lack === undefined) describe(title, tests);
  else describe.skip(title, { meta: { lack } }, tests);
}
