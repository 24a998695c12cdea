// The tests of `npm test`, after its setup and checks: two runs of vitest side by side, one file after another in each. The
// tests of the kernel share its counters, namespaces and cgroups; most others wait for a Prometheus (vitest.config.ts). On one
// processor the runs follow each other. Exit status 0: both passed.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** The first one's output is shown as it comes, the other's at its end. */
const PROJECTS = ['kernel', 'programs'];

const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => running.forEach((child) => child.kill(signal)));
}

/**
 * @param {string} project of vitest.config.ts
 * @param {'inherit' | 'pipe'} output
 * @returns {Promise<{ status: number, output: Buffer }>} no output if it was shown
 */
async function run(project, output) {
  const args = ['node_modules/vitest/vitest.mjs', 'run', `--project=${project}`];
  const child = spawn(process.execPath, args, { stdio: ['ignore', output, output] });
  running.add(child);
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk));
  const status = await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
  running.delete(child);
  return { status, output: Buffer.concat(chunks) };
}

const [first, second] = PROJECTS;
const shown = run(first, 'inherit');
if (availableParallelism() < 2) await shown;
const beside = run(second, 'pipe');
const statuses = [(await shown).status];
const { status, output } = await beside;
process.stdout.write(output);
statuses.push(status);
process.stdout.write(
  PROJECTS.map((name, at) => `tests of ${name}: ${statuses[at] === 0 ? 'passed' : 'FAILED'}\n`).join(''),
);
process.exitCode = statuses.find((one) => one !== 0) ?? 0;
