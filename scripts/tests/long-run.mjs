// npm run test:soak -- [--minutes=15] [--only=faults], npm run test:fuzz -- [--minutes=10] [--seed=1] [--inputs=1000]
// [--target=scorer], npm run test:races -- [--times=1000] [--minutes=60] [--seed=1] [--only=exporter]: sets up the build
// and runs the files test/<kind>/*.long.ts with these settings. Exit status 0: passed.
import { parseArgs } from 'node:util';
import { runTests, usageError } from './run.mjs';

const [kind = '', ...argv] = process.argv.slice(2);
/** Least value of each number. */
const NUMBERS = { minutes: kind === 'soak' ? 2 : 0.01, seed: 0, inputs: 1, times: 1 };
const text = { type: 'string' };
const options = { minutes: text, seed: text, inputs: text, times: text, target: text, only: text };
const { values } = parseArgs({ args: argv, options });
const settings = { ...values };
for (const [name, least] of Object.entries(NUMBERS)) {
  if (values[name] === undefined) continue;
  settings[name] = Number(values[name]);
  if (!(settings[name] >= least))
    usageError(`${kind}: --${name}: expected a number of at least ${least}, got "${values[name]}"`);
}
runTests('test/long-run/vitest.config.ts', { env: { LORIKEET_LONG_RUN: JSON.stringify({ kind, ...settings }) } });
