// npm run demo: sets up the build, then runs the demo and passes the duration of the setup.
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const setup = spawnSync('bash', ['scripts/setup.sh'], { stdio: 'inherit' });
if (setup.status !== 0) process.exit(setup.status ?? 1);
process.env.LORIKEET_SETUP_SECONDS = (performance.now() / 1000).toFixed(1);
await import('../dist/demo.js');
