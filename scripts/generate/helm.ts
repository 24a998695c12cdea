import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The path of a program on the PATH, or of the one built for tests against Kubernetes; undefined if there is neither.
 */
export function findKubernetesProgram(root: string, name: 'helm' | 'kubectl'): string | undefined {
  const script = join(root, 'scripts/build-kubernetes-assets.sh');
  const built = execFileSync('bash', [script, '--path'], { encoding: 'utf8' }).trim();
  const folders = [built, ...(process.env['PATH'] ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The oldest supported version. */
export const OLDEST_KUBERNETES = '1.22.0';

interface Release {
  readonly release: string;
  readonly namespace: string;
  /** Flags such as `--set`. */
  readonly values: readonly string[];
}

/** The output of `helm template`. @throws Error with helm's error message. */
export function helmTemplate(helm: string, chart: string, { release, namespace, values }: Release): string {
  const flags = [`--namespace=${namespace}`, `--kube-version=${OLDEST_KUBERNETES}`, ...values];
  return execFileSync(helm, ['template', release, chart, ...flags], { encoding: 'utf8' });
}
