import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const BUILT = [
  'kubelet',
  'kube-proxy',
  'kube-controller-manager',
  'kube-scheduler',
  'coredns',
  'pause',
  'prometheus-operator',
  'prometheus-config-reloader',
] as const;
const ASSETS = ['etcd', 'kube-apiserver', 'kubectl', 'helm'] as const;
const PROMETHEUS = ['prometheus'] as const;
/** Of Debian's packages `containerd`, `runc` and `buildah`. */
const INSTALLED = ['containerd', 'ctr', 'runc', 'buildah'] as const;
/** Of Debian's package `containernetworking-plugins`. */
const NETWORK_PLUGIN = '/usr/lib/cni/ptp';

/** sbin isn't in everybody's PATH. */
const FIND = 'PATH="$PATH:/usr/sbin:/sbin" && command -v "$0"';

type Name = (typeof BUILT | typeof ASSETS | typeof PROMETHEUS | typeof INSTALLED)[number];

/** The path of each program of a cluster. */
export type Programs = Readonly<Record<Name, string>>;

/** Directory of what a script builds. */
const built = (script: string) => execFileSync('bash', [script, '--path'], { encoding: 'utf8' }).trim();
export const programsFolder = (): string => built('scripts/cluster/programs/build.sh');

/** The programs of a cluster. A missing one is its name alone. */
export function findPrograms(): Programs {
  const assets = built('scripts/build-kubernetes-assets.sh');
  const prometheus = built('scripts/build-prometheus.sh');
  const folder = programsFolder();
  const within = (from: string, names: readonly Name[]) => names.map((name) => [name, join(from, name)]);
  const installed = INSTALLED.map((name) => {
    const { stdout } = spawnSync('sh', ['-c', FIND, name], { encoding: 'utf8' });
    return [name, stdout.trim() || name];
  });
  const elsewhere = [...within(assets, ASSETS), ...within(prometheus, PROMETHEUS), ...installed];
  return Object.fromEntries([...within(folder, BUILT), ...elsewhere]) as Programs;
}

/** What a cluster needs and this computer lacks: nothing if it has all. */
export function missingPrograms(programs: Programs = findPrograms()): string[] {
  const files = [...Object.values(programs), NETWORK_PLUGIN];
  const missing = files.filter((path) => !existsSync(path)).map((path) => path.split('/').at(-1) ?? path);
  return process.getuid?.() === 0 ? missing : ['root', ...missing];
}
