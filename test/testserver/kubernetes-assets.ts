import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** From the repository's folder, in which npm and vitest run. */
const BUILD = 'scripts/build-kubernetes-assets.sh';

/**
 * The folder with etcd, kube-apiserver and kubectl: what KUBEBUILDER_ASSETS names, or what
 * `scripts/build-kubernetes-assets.sh` has built. Undefined where there is none.
 */
export function kubernetesAssets(): string | undefined {
  const folder = execFileSync('bash', [BUILD, '--path'], { encoding: 'utf8' }).trim();
  const present = ['etcd', 'kube-apiserver', 'kubectl'].every((name) => existsSync(join(folder, name)));
  return present ? folder : undefined;
}

/** The program of this name in `folder`; envtest's folders have no helm, that is the PATH's then. */
export function assetOf(folder: string, name: 'etcd' | 'kube-apiserver' | 'kubectl' | 'helm'): string {
  const path = join(folder, name);
  return name === 'helm' && !existsSync(path) ? name : path;
}
