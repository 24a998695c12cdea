import { spawnSync } from 'node:child_process';

/**
 * Sets up the build, and runs the tests of a configuration of vitest to their end.
 *
 * @param {string} config
 * @param {{ env?: Readonly<Record<string, string>>, files?: readonly string[], setups?: readonly string[] }} [options]
 *   `env` adds to the environment, `files` are parts of the paths of test files, `setups` are scripts to run after the
 *   setup of the build
 * @returns {never} the process exits with the status of what failed first, or 0
 */
export function runTests(config, { env = {}, files = [], setups = [] } = {}) {
  for (const script of ['scripts/setup.sh', ...setups]) {
    const { status } = spawnSync('bash', [script], { stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
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
