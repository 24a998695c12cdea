// npm run package -- [--out=build/package] [--version=<version>]: sets up the build and makes all files of a release for
// this machine's platform (docs/guides/install.md lists them). The same commit makes the same bytes.
import { spawnSync } from 'node:child_process';

// The sources decide, not what was built from older ones.
const setup = spawnSync('bash', ['scripts/build-native.sh'], { stdio: 'inherit' });
if (setup.status !== 0) process.exit(setup.status ?? 1);
const { bundle } = await import('./bundle/bundle.mjs');
await bundle({ package: 'scripts/package/main.ts' });
await import('../dist/package.js');
