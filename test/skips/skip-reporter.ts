import type {
  Reporter,
  TestCase,
  TestModule,
  TestRunEndReason,
  TestSpecification,
  TestSuite,
  Vitest,
} from 'vitest/node';
import { isExpected, skipLines, type ExpectedSkip, type TestOutcome } from './skipped-tests.ts';

/**
 * Prints at the end of a run which tests were skipped, and why. With CI set, a skip that is not expected on this
 * machine fails the run: a test that no longer runs in CI is lost.
 */
export class SkipReporter implements Reporter {
  readonly #expected: readonly ExpectedSkip[];
  #vitest: Vitest | undefined;
  #expectedHere: readonly ExpectedSkip[] = [];
  #isFiltered = false;

  /** @param expected all expected skips of all machines */
  constructor(expected: readonly ExpectedSkip[]) {
    this.#expected = expected;
  }

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    if (isCi()) this.#expectedHere = this.#expected.filter(({ when }) => when());
    this.#isFiltered =
      this.#vitest?.config.testNamePattern !== undefined ||
      specifications.some(({ testLines, testIds }) => testLines !== undefined || testIds !== undefined);
  }

  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, end: TestRunEndReason): void {
    const logger = this.#vitest?.logger;
    if (logger === undefined || end === 'interrupted') return;
    const outcomes = modules.flatMap((module) =>
      [...module.children.allTests()].flatMap((test) => this.#outcome(test)),
    );
    const skipped = skipLines(outcomes);
    if (skipped.length > 0) logger.log(`${skipped.map((line) => `skipped: ${line}`).join('\n')}\n`);
    if (!isCi()) return;
    const unexpected = skipLines(outcomes, (test) => test.isSkipped && !isExpected(test, this.#expectedHere));
    if (unexpected.length === 0) return;
    // Not an error for vitest: set the exit status.
    process.exitCode = 1;
    logger.error(
      `${unexpected.map((line) => `unexpected skip: ${line}`).join('\n')}\n` +
        'The run fails: a requirement is missing that test/skips/expected-skips.ts expects on this machine.\n',
    );
  }

  /** Empty for a test that did not run because of a filter, or because a hook of its suite failed. */
  #outcome(test: TestCase): TestOutcome[] {
    const result = test.result();
    const isSkipped = result.state === 'skipped';
    const reason = isSkipped ? (result.note ?? test.meta().lack) : undefined;
    const suites = ancestors(test);
    const isOut =
      isSkipped && reason === undefined && (this.#isFiltered || suites.some((suite) => suite.errors().length > 0));
    if (isOut) return [];
    const names = suites.flatMap((suite) => (suite.type === 'suite' ? [suite.name] : []));
    return [{ path: [test.module.relativeModuleId, ...names, test.name], isSkipped, reason }];
  }
}

/** The ancestors of a test, from the file to the innermost suite. */
function ancestors({ parent }: TestCase): (TestSuite | TestModule)[] {
  const found: (TestSuite | TestModule)[] = [parent];
  for (let [at] = found; at?.type === 'suite'; [at] = found) found.unshift(at.parent);
  return found;
}

/** True if the variable CI is set, as by CI services, and not disabled by an empty value, 0 or false. */
function isCi(): boolean {
  return !['', '0', 'false'].includes(process.env['CI'] ?? '');
}
