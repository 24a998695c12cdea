import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Case } from './case.ts';
import { Lab } from './lab.ts';
import { run } from './run.ts';
import type { Skipped } from './table.ts';
import { isExpected, type Row } from './verdict.ts';

export interface Results {
  readonly rows: readonly Row[];
  readonly skipped: readonly Skipped[];
}

/** Servers and clients start slowly on a busy machine. */
const TIMEOUT = { timeout: 180_000 };

/** A test for each case, some at a time, with one exporter that has these flags. */
export function testCases(
  subjects: readonly Case[],
  { flags = [], finished }: { flags?: readonly string[]; finished?: (results: Results) => void } = {},
): void {
  let lab: Lab;
  const rows = new Map<Case, Row>();
  const skipped: Skipped[] = [];

  beforeAll(async () => {
    lab = await Lab.start(...flags);
  });
  afterAll(async () => {
    for (const [{ known, protocol, name }, row] of rows) {
      if (known !== undefined && isExpected(row))
        process.stdout.write(`protocols: as expected, though known as wrong (${known}): ${protocol}, ${name}\n`);
    }
    finished?.({ rows: subjects.flatMap((subject) => rows.get(subject) ?? []), skipped });
    await lab?.stop();
  });

  test.concurrent.for(subjects)('$protocol: $name', TIMEOUT, async (subject, context) => {
    const lack = subject.needs?.find((tool) => tool.find() === undefined)?.lack;
    if (lack !== undefined) {
      skipped.push({ name: subject.name, protocol: subject.protocol, reason: lack });
      context.skip(lack);
    }
    const row = await run(lab, subject);
    rows.set(subject, row);
    const tolerated = subject.known !== undefined && !isExpected(row);
    if (!tolerated) expect({ ...row, expected: isExpected(row) }).toMatchObject({ expected: true });
  });
}
