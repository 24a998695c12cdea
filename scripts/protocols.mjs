// npm run test:protocols -- [--only=REGEX] [--flags=FLAGS] [--update]: sets up the build, installs servers and clients of
// other protocols, and compares what the exporter reports about them with what the clients counted (test/protocols).
// --only runs the cases whose "protocol: name" matches; --flags are further flags of the exporter; --update writes the
// table into docs/requests.md. Exit status 0: passed.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { only: { type: 'string' }, flags: { type: 'string' }, update: { type: 'boolean' } },
});
if (values.update && values.only !== undefined) {
  process.stderr.write('protocols: --update needs all cases: expected no --only\n');
  process.exit(2);
}
for (const script of ['scripts/setup.sh', 'scripts/fetch-protocols.sh']) {
  const { status } = spawnSync('bash', [script], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const args = ['node_modules/vitest/vitest.mjs', 'run', '--config=test/protocols/vitest.config.ts'];
const env = { ...process.env };
if (values.only !== undefined) env.LORIKEET_PROTOCOLS_ONLY = values.only;
if (values.flags !== undefined) env.LORIKEET_PROTOCOLS_FLAGS = values.flags;
if (values.update) env.LORIKEET_PROTOCOLS_UPDATE = '1';
const run = spawnSync(process.execPath, args, { stdio: 'inherit', env });
process.exit(run.status ?? 1);
