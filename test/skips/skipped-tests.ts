/** A test of a run, whether it ran or not. */
export interface TestOutcome {
  /** The file, from the repository's folder, the suites, and the test's own name. */
  readonly path: readonly string[];
  readonly isSkipped: boolean;
  /** Why it was skipped; undefined where nobody said so. */
  readonly reason?: string | undefined;
}

/** A skip that is all right on some machines. */
export interface ExpectedSkip {
  /** The whole reason. */
  readonly reason: string | RegExp;
  /** How the place begins, `file > suite > test`: no other tests may be skipped for this reason. */
  readonly tests: string;
  /** Whether this is such a machine. It is asked before the first test, as what is missing may be built meanwhile. */
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
 * `place: reason` for each test of which `isTold`, those of one reason one after another. Tests that are all of a suite or of a
 * file, told for the same reason, are one line with their number.
 */
export function skipLines(outcomes: readonly TestOutcome[], isTold = isSkipped): string[] {
  const lines = collapse(outcomes, isTold);
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

/** @param depth how much of their paths the outcomes have in common */
function collapse(outcomes: readonly TestOutcome[], isTold: (outcome: TestOutcome) => boolean, depth = 0): Line[] {
  const groups = new Map<string, TestOutcome[]>();
  for (const outcome of outcomes) {
    // A test is no suite of the same name.
    const key = `${outcome.path.length === depth + 1} ${outcome.path[depth]}`;
    groups.set(key, [...(groups.get(key) ?? []), outcome]);
  }
  return [...groups.values()].flatMap((group): Line[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { path, reason = NO_REASON } = first;
    if (group.every((outcome) => isTold(outcome) && outcome.reason === first.reason)) {
      return [{ path: group.length > 1 ? path.slice(0, depth + 1) : path, count: group.length, reason }];
    }
    if (path.length > depth + 1) return collapse(group, isTold, depth + 1);
    // Tests may share a name.
    return group.filter(isTold).map((told) => ({ path, count: 1, reason: told.reason ?? NO_REASON }));
  });
}

function placeOf(path: readonly string[]): string {
  return path.join(' > ');
}
