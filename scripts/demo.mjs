// npm run demo: sets up the build, then runs the demo and passes the duration of the setup. With --kubernetes, the demo runs
// in a cluster (scripts/cluster).
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const inCluster = process.argv.includes('--kubernetes');
for (const script of ['scripts/setup.sh', ...(inCluster ? ['scripts/cluster/set-up.sh'] : [])]) {
  const setup = spawnSync('bash', [script], { stdio: 'inherit' });
  if (setup.status !== 0) process.exit(setup.status ?? 1);
}
if (inCluster) {
  const { bundle } = await import('./bundle/bundle.mjs');
  await bundle({ 'demo-kubernetes': 'scripts/cluster/demo/main.ts' });
  await import('../dist/demo-kubernetes.js');
} else {
  process.env.LORIKEET_SETUP_SECONDS = (performance.now() / 1000).toFixed(1);
  await import('../dist/demo.js');
}
