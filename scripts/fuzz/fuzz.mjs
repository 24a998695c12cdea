// npm run test:fuzz -- [--minutes=10] [--seed=1] [--inputs=1000] [--target=scorer]: sets up the build and gives changed
// examples to the parsers of test/fuzz/targets.ts. Exit status 0: none failed.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const NUMBERS = ['minutes', 'seed', 'inputs'];
const text = { type: 'string' };
const { values } = parseArgs({ options: { minutes: text, seed: text, inputs: text, target: text } });
for (const name of NUMBERS) {
  if (values[name] === undefined || Number(values[name]) > 0 || (name === 'seed' && Number(values[name]) === 0))
    continue;
  process.stderr.write(`fuzz: --${name}: expected a number above 0, got "${values[name]}"\n`);
  process.exit(2);
}
const setup = spawnSync('bash', ['scripts/setup.sh'], { stdio: 'inherit' });
if (setup.status !== 0) process.exit(setup.status ?? 1);
const args = ['node_modules/vitest/vitest.mjs', 'run', '--config=test/fuzz/vitest.config.ts'];
const numbers = NUMBERS.filter((name) => values[name] !== undefined).map((name) => [name, Number(values[name])]);
const settings = { ...Object.fromEntries(numbers), ...(values.target !== undefined && { target: values.target }) };
const env = { ...process.env, LORIKEET_FUZZ: JSON.stringify(settings) };
const run = spawnSync(process.execPath, args, { stdio: 'inherit', env });
process.exit(run.status ?? 1);
