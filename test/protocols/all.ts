import { CASES } from './cases/all.ts';
import { testCases } from './suite.ts';
import { markdownTable, replaceBlock } from './table.ts';

const DOCUMENT = 'docs/requests.md';
/** Set by scripts/protocols.mjs. */
const { LORIKEET_PROTOCOLS_ONLY: only = '', LORIKEET_PROTOCOLS_UPDATE: update } = process.env;
const pattern = new RegExp(only, 'i');

testCases(
  CASES.filter(({ name, protocol }) => pattern.test(`${protocol}: ${name}`)),
  ({ rows, skipped }) => {
    if (update !== undefined) replaceBlock(DOCUMENT, markdownTable(rows, skipped));
  },
);
