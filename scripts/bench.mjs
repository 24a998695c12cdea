// npm run bench:<name> -- [args]: sets up what is missing, bundles the benchmark, runs it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const [name, ...args] = process.argv.slice(2);
const setup = spawnSync('bash', ['scripts/setup.sh'], { stdio: 'inherit' });
if (setup.status !== 0) process.exit(setup.status ?? 1);
const entry = [`bench/${name}.ts`, `bench/${name}/main.ts`].find((path) => existsSync(path));
if (entry === undefined) {
  process.stderr.write(`bench: there is no bench/${name}\n`);
  process.exit(2);
}
const { bundle } = await import('./bundle.mjs');
const bundled = `bench-${name.replaceAll('/', '-')}`;
await bundle({ [bundled]: entry });
const run = spawnSync(process.execPath, [`dist/${bundled}.js`, ...args], { stdio: 'inherit' });
process.exit(run.status ?? 1);
