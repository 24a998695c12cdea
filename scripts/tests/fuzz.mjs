// npm run test:fuzz -- [--minutes=10] [--seed=1] [--inputs=1000] [--target=scorer]: sets up the build and gives changed
// examples to the parsers of test/fuzz/targets.ts. Exit status 0: none failed.
import { parseArgs } from 'node:util';
import { runTests, usageError } from './run.mjs';

const NUMBERS = ['minutes', 'seed', 'inputs'];
const text = { type: 'string' };
const { values } = parseArgs({ options: { minutes: text, seed: text, inputs: text, target: text } });
for (const name of NUMBERS) {
  if (values[name] === undefined || Number(values[name]) > 0 || (name === 'seed' && Number(values[name]) === 0))
    continue;
  usageError(`fuzz: --${name}: expected a number above 0, got "${values[name]}"`);
}
const numbers = NUMBERS.filter((name) => values[name] !== undefined).map((name) => [name, Number(values[name])]);
const settings = { ...Object.fromEntries(numbers), ...(values.target !== undefined && { target: values.target }) };
runTests('test/fuzz/vitest.config.ts', { env: { LORIKEET_FUZZ: JSON.stringify(settings) } });
