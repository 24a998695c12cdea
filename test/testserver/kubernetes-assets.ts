import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Relative to the repository, in which npm and vitest run. */
const BUILD = 'scripts/build-kubernetes-assets.sh';

/**
 * The directory with etcd, kube-apiserver and kubectl: KUBEBUILDER_ASSETS, or that of
 * `scripts/build-kubernetes-assets.sh`. Undefined if there is none.
 */
export function kubernetesAssets(): string | undefined {
  const folder = execFileSync('bash', [BUILD, '--path'], { encoding: 'utf8' }).trim();
  const present = ['etcd', 'kube-apiserver', 'kubectl'].every((name) => existsSync(join(folder, name)));
  return present ? folder : undefined;
}

/** The path of a program in `folder`. envtest's directories have no helm: then it is that on the PATH. */
export function assetOf(folder: string, name: 'etcd' | 'kube-apiserver' | 'kubectl' | 'helm'): string {
  const path = join(folder, name);
  return name === 'helm' && !existsSync(path) ? name : path;
}
