// npm run test:soak -- [--minutes=15]: sets up the build and runs test/soak for this time. Exit status 0: passed.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '15' } } });
const minutes = Number(values.minutes);
if (!(minutes >= 2)) {
  process.stderr.write(`soak: --minutes: expected at least 2, got "${values.minutes}"\n`);
  process.exit(2);
}
const setup = spawnSync('bash', ['scripts/setup.sh'], { stdio: 'inherit' });
if (setup.status !== 0) process.exit(setup.status ?? 1);
const args = ['node_modules/vitest/vitest.mjs', 'run', '--config=test/soak/vitest.config.ts'];
const env = { ...process.env, LORIKEET_SOAK_MINUTES: String(minutes) };
const run = spawnSync(process.execPath, args, { stdio: 'inherit', env });
process.exit(run.status ?? 1);
