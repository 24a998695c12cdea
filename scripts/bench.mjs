// npm run bench -- <name> [args]: sets up what is missing, bundles the benchmark, runs it. Without a name: which there are.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** The product's own, and those that a decision rests on, which are run once. */
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

/** What they share. */
const NO_BENCH = /\.test\.ts$|^bench\/(results|statistics)\.ts$/;

const known = benches();
const [name, ...args] = process.argv.slice(2);
const entry = known.get(name);
if (entry === undefined) {
  const wrong = name === undefined ? 'expected a name' : `there is no ${name}`;
  process.stderr.write(`bench: ${wrong}; there are ${[...known.keys()].join(', ')}\n`);
  process.exit(2);
}
const setup = spawnSync('bash', ['scripts/setup.sh'], { stdio: 'inherit' });
if (setup.status !== 0) process.exit(setup.status ?? 1);
const { bundle } = await import('./bundle.mjs');
const bundled = `bench-${name.replaceAll('/', '-')}`;
await bundle({ [bundled]: entry });
const run = spawnSync(process.execPath, [`dist/${bundled}.js`, ...args], { stdio: 'inherit' });
process.exit(run.status ?? 1);
