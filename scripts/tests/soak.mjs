// npm run test:soak -- [--minutes=15]: sets up the build and runs test/soak for this time. Exit status 0: passed.
import { parseArgs } from 'node:util';
import { runTests, usageError } from './run.mjs';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '15' } } });
const minutes = Number(values.minutes);
if (!(minutes >= 2)) usageError(`soak: --minutes: expected at least 2, got "${values.minutes}"`);
runTests('test/soak/vitest.config.ts', { env: { LORIKEET_SOAK_MINUTES: String(minutes) } });
