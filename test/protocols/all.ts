import { replaceBlock } from '../document-block.ts';
import { CASES } from './cases/all.ts';
import { testCases, type Results } from './suite.ts';
import { markdownTable } from './table.ts';

const DOCUMENT = 'docs/requests.md';
/** Set by scripts/tests/protocols.mjs. */
const {
  LORIKEET_PROTOCOLS_ONLY: only = '',
  LORIKEET_PROTOCOLS_FLAGS: flags = '',
  LORIKEET_PROTOCOLS_UPDATE: update,
} = process.env;
const pattern = new RegExp(only, 'i');

function finished({ rows, skipped }: Results): void {
  const table = markdownTable(rows, skipped);
  process.stdout.write(`${table}\n`);
  if (update !== undefined) replaceBlock(DOCUMENT, 'protocols', table);
}

testCases(
  CASES.filter(({ name, protocol }) => pattern.test(`${protocol}: ${name}`)),
  { flags: flags.split(' ').filter((flag) => flag !== ''), finished },
);
