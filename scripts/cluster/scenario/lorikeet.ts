import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../cluster.ts';
import { demoTimeValues } from './demo-time.ts';

const NAMESPACE = 'lorikeet';
/** A new pod needs its volume, and the scorer the rules in Prometheus. */
const ROLLOUT = '--timeout=300s';

/** The arguments of README's command that installs the chart. @throws Error if README has none */
export function readmeInstall(readme = readFileSync('README.md', 'utf8')): string[] {
  const [, args] = /^helm (install lorikeet .*)$/m.exec(readme) ?? [];
  if (args === undefined) throw new Error('README.md: expected a line `helm install lorikeet ...`');
  return args.split(' ');
}

/** Packages the chart and installs it as README says. Resolves when all of its pods are ready. */
export async function installLorikeet(cluster: Cluster): Promise<void> {
  execFileSync('bash', ['scripts/package/chart.sh']);
  await cluster.helm(readmeInstall());
  await lorikeetIsReady(cluster);
}

/** Lets the time of scorer and rules run as fast as in the demo, by an upgrade. */
export async function upgradeToDemoTime(cluster: Cluster): Promise<void> {
  const values = join(cluster.machine.folder, 'demo-time.json');
  writeFileSync(values, JSON.stringify(demoTimeValues()));
  const chart = ['upgrade', 'lorikeet', 'build/chart/lorikeet', `--namespace=${NAMESPACE}`];
  await cluster.helm([...chart, '--reset-then-reuse-values', `--values=${values}`]);
  await lorikeetIsReady(cluster);
}

export async function lorikeetIsReady(cluster: Cluster): Promise<void> {
  for (const workload of ['daemonset/lorikeet-exporter', 'statefulset/lorikeet-scorer']) {
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', workload, ROLLOUT]);
  }
}

/** Removes it as the guide says. Resolves when its namespace is gone. */
export async function uninstallLorikeet(cluster: Cluster): Promise<void> {
  await cluster.helm(['uninstall', 'lorikeet', `--namespace=${NAMESPACE}`, '--wait']);
  const claims = ['delete', 'pvc', '-l', 'app.kubernetes.io/name=lorikeet-scorer'];
  await cluster.kubectl(['-n', NAMESPACE, ...claims]);
  await cluster.kubectl(['delete', 'namespace', NAMESPACE, '--timeout=300s']);
}
