// npm run generate: writes every generated file from its source, except the base model.
// npm run generate -- base-model [flags]: records the simulated shop and trains the base model, for most of an hour.
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle/bundle.mjs';

const [name, ...args] = process.argv.slice(2);
if (name === 'base-model') {
  const { status } = spawnSync('bash', ['scripts/setup.sh'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  await bundle({ 'train-base': 'scripts/train-base/main.ts' });
  process.argv.splice(2, Infinity, ...args);
  await import('../dist/train-base.js');
} else if (name === undefined) {
  await bundle({ generate: 'scripts/generate/main.ts' });
  await import('../dist/generate.js');
} else {
  process.stderr.write(`generate: unknown "${name}"; expected nothing, or base-model\n`);
  process.exit(2);
}
