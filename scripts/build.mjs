// Bundles each program to one file in dist/. With --if-changed it does nothing unless a source is newer.
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APART, bundle, PROGRAMS as OF_RELEASES } from './bundle/bundle.mjs';

const PROGRAMS = {
  ...OF_RELEASES,
  demo: 'scripts/demo/main.ts',
  'demo-kubernetes': 'scripts/cluster/demo/main.ts',
};
const FOLDERS = ['native', 'exporter', 'scorer', 'daemon', 'microsim', 'scripts', 'package.json'];

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => (name === 'build' ? 0 : newest(join(path, name)))));
}

function upToDate() {
  try {
    const oldest = Math.min(...Object.keys(PROGRAMS).map((name) => statSync(`dist/${name}.js`).mtimeMs));
    return Math.max(...FOLDERS.map(newest)) <= oldest;
  } catch {
    return false;
  }
}

if (process.argv.includes('--if-changed') && upToDate()) process.exit(0);

mkdirSync('dist', { recursive: true });
process.stdout.write('setup: bundling programs\n');
await bundle({ ...PROGRAMS, ...APART });
// Marks dist/ as ES modules, wherever it is copied.
writeFileSync('dist/package.json', '{ "type": "module" }\n');
for (const name of Object.keys(PROGRAMS)) chmodSync(`dist/${name}.js`, 0o755);
