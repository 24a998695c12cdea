import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine/machine.ts';

/** A cluster in any state. */
export interface Diagnosed {
  readonly machine: Machine;
  kubectl(args: readonly string[]): Promise<string>;
}

const COMMANDS = [
  ['get', 'nodes,pods', '-A', '-o', 'wide'],
  ['get', 'events', '-A', '--field-selector=type!=Normal', '--sort-by=.lastTimestamp'],
  ['-n', 'lorikeet', 'logs', '-l', 'app.kubernetes.io/part-of=lorikeet', '--tail=15', '--prefix'],
  ['-n', 'monitoring', 'logs', 'statefulset/prometheus-k8s', '-c', 'prometheus', '--tail=10'],
];
const MAX_CHARACTERS = 8000;

/** The state of a cluster as text, to explain a failure: pods, warnings, logs. */
export async function diagnose(cluster: Diagnosed): Promise<string> {
  const parts = await Promise.all(
    COMMANDS.map(async (args) => {
      const output = await cluster.kubectl(['--request-timeout=5s', ...args]).catch((error: unknown) => String(error));
      return `$ kubectl ${args.join(' ')}\n${output.slice(-MAX_CHARACTERS)}`;
    }),
  );
  const daemons = readdirSync(join(cluster.machine.folder, 'log')).map((file) => file.replace(/\.log$/, ''));
  const ends = daemons.map((name) => `== ${name}\n${cluster.machine.lastLines(name)}`);
  return [...parts, ...ends].join('\n');
}
