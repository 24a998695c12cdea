// npm run test:cluster -- [--real-time] [FILE...]: sets up the build, starts a Kubernetes cluster of two nodes on this
// computer, and tries there what a user does, from the installation of the chart to its removal (test/cluster). By
// default, time runs twelve times as fast as in production; --real-time takes README's command alone.
// Exit status 0: passed, or skipped with the reason, without Go or containerd.
import { parseArgs } from 'node:util';
import { runTests } from './run.mjs';

const { values, positionals: files } = parseArgs({
  options: { 'real-time': { type: 'boolean' } },
  allowPositionals: true,
});
runTests('test/cluster/vitest.config.ts', {
  files,
  setups: ['scripts/cluster/set-up.sh'],
  env: values['real-time'] ? { LORIKEET_CLUSTER_REAL_TIME: '1' } : {},
});
