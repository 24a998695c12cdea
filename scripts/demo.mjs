// npm run demo: sets up the build, then runs the demo and passes the duration of the setup. With --kubernetes, also sets up
// what a cluster needs, and runs the demo there.
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const inKubernetes = process.argv.includes('--kubernetes');
for (const script of ['scripts/setup.sh', ...(inKubernetes ? ['scripts/cluster/set-up.sh'] : [])]) {
  const { status } = spawnSync('bash', [script], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
process.env.LORIKEET_SETUP_SECONDS = (performance.now() / 1000).toFixed(1);
await import(inKubernetes ? '../dist/demo-kubernetes.js' : '../dist/demo.js');
