// npm run demo: sets up what is missing, then runs the built demo with the time that this took.
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const setup = spawnSync('bash', ['scripts/setup.sh'], { stdio: 'inherit' });
if (setup.status !== 0) process.exit(setup.status ?? 1);
process.env.LORIKEET_SETUP_SECONDS = (performance.now() / 1000).toFixed(1);
await import('../dist/demo.js');
