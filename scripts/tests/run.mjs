import { spawnSync } from 'node:child_process';

/** Exit status of a setup that is not possible on this machine. */
const NOT_HERE = 3;

/**
 * Sets up the build, and runs the tests of a configuration of vitest to their end.
 *
 * @param {string} config
 * @param {{ env?: Readonly<Record<string, string>>, files?: readonly string[], setups?: readonly string[],
 *   optional?: readonly string[] }} [options]
 *   `env` adds to the environment, `files` are parts of the paths of test files, `setups` are scripts to run after the
 *   setup of the build, by Node.js or bash, `optional` are those without which the tests skip what needs them
 * @returns {never} the process exits with the status of what failed first, or 0
 */
export function runTests(config, { env = {}, files = [], setups = [], optional = [] } = {}) {
  for (const script of ['scripts/setup.sh', ...setups, ...optional]) {
    const shell = script.endsWith('.mjs') ? process.execPath : 'bash';
    const { status } = spawnSync(shell, [script], { stdio: 'inherit' });
    if (status !== 0 && !(status === NOT_HERE && optional.includes(script))) process.exit(status ?? 1);
  }
  const args = ['node_modules/vitest/vitest.mjs', 'run', `--config=${config}`, ...files];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  process.exit(status ?? 1);
}

/**
 * @param {string} message
 * @returns {never}
 */
export function usageError(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
