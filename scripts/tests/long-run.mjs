import { parseArgs } from 'node:util';
import { runTests, usageError } from './run.mjs';

/** Least value of each number. */
const LEAST = { minutes: 0.01, seed: 0, inputs: 1, times: 1 };

/**
 * Sets up the build, and runs the files test/<kind>/*.long.ts for as long as they are told.
 *
 * @param {'fuzz' | 'races' | 'soak'} kind
 * @param {readonly string[]} argv `--minutes`, `--seed`, `--inputs`, `--times`, `--target` and `--only`, of which each
 *   kind has some
 * @returns {never} see `runTests`
 */
export function runForLong(kind, argv) {
  const text = { type: 'string' };
  const options = { minutes: text, seed: text, inputs: text, times: text, target: text, only: text };
  const { values } = parseArgs({ args: argv, options });
  const settings = { ...values };
  for (const [name, smallest] of Object.entries(LEAST)) {
    const least = kind === 'soak' && name === 'minutes' ? 2 : smallest;
    if (values[name] === undefined) continue;
    settings[name] = Number(values[name]);
    if (!(settings[name] >= least))
      usageError(`${kind}: --${name}: expected a number of at least ${least}, got "${values[name]}"`);
  }
  runTests('test/long-run/vitest.config.ts', { env: { LORIKEET_LONG_RUN: JSON.stringify({ kind, ...settings }) } });
}
