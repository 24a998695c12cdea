// npm run bench -- <name> [args]: sets up the build, bundles the benchmark and runs it. Without a name: lists the
// benchmarks.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** Benchmarks of the product, and one-time experiments behind decisions. */
const FOLDERS = ['bench', 'bench/experiments'];

/** `name -> file` of all benchmarks. */
function benches() {
  const named = FOLDERS.flatMap((folder) =>
    readdirSync(folder).map((entry) => {
      const file = entry.endsWith('.ts') ? `${folder}/${entry}` : `${folder}/${entry}/main.ts`;
      return [entry.replace(/\.ts$/, ''), file];
    }),
  );
  return new Map(named.filter(([, file]) => existsSync(file) && !NO_BENCH.test(file)));
}

/** Files shared by benchmarks. */
const NO_BENCH = /\.test\.ts$|^bench\/(results|statistics)\.ts$/;

const known = benches();
const [name, ...args] = process.argv.slice(2);
const entry = known.get(name);
if (entry === undefined) {
  const wrong = name === undefined ? 'expected a name' : `unknown benchmark ${name}`;
  process.stderr.write(`bench: ${wrong}; benchmarks: ${[...known.keys()].join(', ')}\n`);
  process.exit(2);
}
const setup = spawnSync('bash', ['scripts/setup.sh'], { stdio: 'inherit' });
if (setup.status !== 0) process.exit(setup.status ?? 1);
const { bundle } = await import('./bundle/bundle.mjs');
const bundled = `bench-${name.replaceAll('/', '-')}`;
await bundle({ [bundled]: entry });
const run = spawnSync(process.execPath, [`dist/${bundled}.js`, ...args], { stdio: 'inherit' });
process.exit(run.status ?? 1);
