import { afterAll, beforeAll, expect, test } from 'vitest';
import { CASES } from './cases/all.ts';
import { Lab } from './lab.ts';
import { run } from './run.ts';
import { markdownTable, replaceBlock, type Skipped } from './table.ts';
import { isExpected, type Row } from './verdict.ts';

const DOCUMENT = 'docs/requests.md';
const ONLY = new RegExp(process.env['LORIKEET_PROTOCOLS_ONLY'] ?? '', 'i');
const subjects = CASES.filter(({ name, protocol }) => ONLY.test(`${protocol}: ${name}`));

let lab: Lab;
const rows: Row[] = [];
const skipped: Skipped[] = [];

beforeAll(async () => {
  lab = await Lab.start();
});
afterAll(async () => {
  const order = (name: string, protocol: string) =>
    subjects.findIndex((subject) => subject.name === name && subject.protocol === protocol);
  rows.sort((a, b) => order(a.name, a.protocol) - order(b.name, b.protocol));
  process.stdout.write(`${markdownTable(rows, skipped)}\n`);
  for (const { protocol, name, reason } of skipped) process.stdout.write(`SKIPPED: ${protocol}, ${name}: ${reason}\n`);
  if (process.env['LORIKEET_PROTOCOLS_UPDATE'] !== undefined) replaceBlock(DOCUMENT, markdownTable(rows, skipped));
  await lab?.stop();
});

test.each(subjects)('$protocol: $name', async (subject) => {
  const lack = subject.needs?.find((tool) => tool.find() === undefined)?.lack;
  if (lack !== undefined) {
    skipped.push({ ...subject, reason: lack });
    return;
  }
  const row = await run(lab, subject);
  rows.push(row);
  if (subject.known !== undefined && !isExpected(row)) return;
  expect({ verdict: row.verdict, faults: row.faults, truth: row.truth.requests }).toMatchObject({
    verdict: expect.stringMatching(new RegExp(`^(${subject.expected.replace(' or ', '|')})$`)) as string,
  });
});
