import { describe } from 'vitest';
import type { Need } from './needs.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Why the tests of a suite are skipped. vitest itself keeps a reason only of those that skip themselves. */
    lack?: string;
  }
}

/**
 * `describe` for tests that need what the machine may lack: skipped there, and told why when the run ends. The callback runs in
 * any case, to collect the tests, so that whatever reads what is needed belongs into a hook or a test.
 *
 * @example
 * describeWith([KUBERNETES, HELM], 'the chart', () => test('is installed', install));
 */
export function describeWith(needs: readonly Need[], title: string, tests: () => void): void {
  const lack = needs.find((need) => need.isMissing())?.lack;
  if (lack === undefined) describe(title, tests);
  else describe.skip(title, { meta: { lack } }, tests);
}
