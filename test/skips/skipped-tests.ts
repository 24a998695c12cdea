/** A test in a run, run or skipped. */
export interface TestOutcome {
  /** The file relative to the repository, the suites, and the name of the test. */
  readonly path: readonly string[];
  readonly isSkipped: boolean;
  /** The reason of the skip, if given. */
  readonly reason?: string | undefined;
}

/** A skip that is expected on some machines. */
export interface ExpectedSkip {
  /** The complete reason. */
  readonly reason: string | RegExp;
  /** Prefix of `file > suite > test`. No other tests may be skipped for this reason. */
  readonly tests: string;
  /** True on such a machine. Called before the first test: missing programs may be built during the run. */
  readonly when: () => boolean;
  readonly why: string;
}

const NO_REASON = 'no reason given';

export function isExpected(
  { path, reason = NO_REASON }: TestOutcome,
  expected: readonly Pick<ExpectedSkip, 'reason' | 'tests'>[],
): boolean {
  const place = placeOf(path);
  return expected.some((skip) => place.startsWith(skip.tests) && isWhole(reason, skip.reason));
}

function isWhole(text: string, pattern: string | RegExp): boolean {
  return typeof pattern === 'string' ? text === pattern : pattern.exec(text)?.[0] === text;
}

const isSkipped = (outcome: TestOutcome): boolean => outcome.isSkipped;

/**
 * Renders `place: reason` for each test selected by `isReported`, grouped by reason. If all tests of a suite or a file
 * have the same reason, they are one line with their number.
 */
export function skipLines(outcomes: readonly TestOutcome[], isReported = isSkipped): string[] {
  const lines = collapse(outcomes, isReported);
  const reasons = [...new Set(lines.map(({ reason }) => reason))];
  return reasons.flatMap((reason) =>
    lines
      .filter((line) => line.reason === reason)
      .map(({ path, count }) => `${placeOf(path)}${count > 1 ? ` (${count} tests)` : ''}: ${reason}`),
  );
}

interface Line {
  readonly path: readonly string[];
  readonly count: number;
  readonly reason: string;
}

/** @param depth length of the common prefix of the paths of the outcomes */
function collapse(outcomes: readonly TestOutcome[], isReported: (outcome: TestOutcome) => boolean, depth = 0): Line[] {
  const groups = new Map<string, TestOutcome[]>();
  for (const outcome of outcomes) {
    // Distinguish a test from a suite of the same name.
    const key = `${outcome.path.length === depth + 1} ${outcome.path[depth]}`;
    groups.set(key, [...(groups.get(key) ?? []), outcome]);
  }
  return [...groups.values()].flatMap((group): Line[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { path, reason = NO_REASON } = first;
    if (group.every((outcome) => isReported(outcome) && outcome.reason === first.reason)) {
      return [{ path: group.length > 1 ? path.slice(0, depth + 1) : path, count: group.length, reason }];
    }
    if (path.length > depth + 1) return collapse(group, isReported, depth + 1);
    // Tests may share a name.
    return group.filter(isReported).map((outcome) => ({ path, count: 1, reason: outcome.reason ?? NO_REASON }));
  });
}

function placeOf(path: readonly string[]): string {
  return path.join(' > ');
}
