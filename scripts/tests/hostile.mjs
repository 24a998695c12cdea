// npm run test:hostile -- [--update] [FILE...]: sets up the build, attacks the programs (test/hostile), and prints what was
// seen of each attack before the programs were mended, and what is seen now. FILE runs the tests whose path contains it;
// --update writes the table into docs/reliability.md. Exit status 0: no row is open.
import { parseArgs } from 'node:util';
import { runTests, usageError } from './run.mjs';

const { values, positionals: files } = parseArgs({ options: { update: { type: 'boolean' } }, allowPositionals: true });
if (values.update && files.length > 0) usageError('hostile: --update needs all tests: expected no file');
const table = values.update ? 'update' : 'whole';
runTests('test/hostile/vitest.config.ts', { files, env: files.length > 0 ? {} : { LORIKEET_HOSTILE_TABLE: table } });
