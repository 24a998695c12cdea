import { execFileSync } from 'node:child_process';
import { loadAll } from 'js-yaml';
import { BASE } from '../../scripts/generate/base.ts';
import { findKubernetesProgram } from '../../scripts/generate/helm.ts';
import type { KubernetesObject } from './schema.ts';

/** The packaged chart, as the guides install it. */
export const CHART = 'build/chart/lorikeet';
execFileSync('bash', ['scripts/package/chart.sh']);

/** Directories for `kubectl apply -k`. */
export const KUSTOMIZATIONS = ['base', 'overlays/operator', 'overlays/prometheus', 'microsim'] as const;

export const objectsOf = (yaml: string): KubernetesObject[] =>
  (loadAll(yaml) as (KubernetesObject | null)[]).filter((object) => object !== null);

/** Values that enable everything that the chart's defaults disable. */
export const EVERYTHING = [
  '--set=operator.enabled=true,prometheus.enabled=true,dashboards.enabled=true',
  '--set=exporter.adoptOlderSockets=true,exporter.collectors.http_status=true,exporter.collectors.edges=false',
  '--set=exporter.seLinuxOptions.type=spc_t,exporter.priorityClassName=system-node-critical',
  '--set=exporter.podAnnotations.a=b,exporter.podLabels.a=b,image.pullSecrets={registry},image.registry=r.example',
  '--set-json=scorer.config.detectors={"autoencoder":{},"instance_outlier":{}}',
  '--set=scorer.shards=3,scorer.persistence.storageClassName=fast,operator.labels.release=kps',
];

const helm = findKubernetesProgram('.', 'helm');
const kubectl = findKubernetesProgram('.', 'kubectl');

/** Runs a helm command that only needs the chart. @throws Error with helm's error message. */
export function runHelm(args: readonly string[]): string {
  if (helm === undefined) throw new Error('no helm');
  return execFileSync(helm, args, { encoding: 'utf8', stdio: 'pipe', maxBuffer: 2 ** 26 });
}

export function template(...args: readonly string[]): KubernetesObject[] {
  return objectsOf(
    runHelm(['template', BASE.release, CHART, `--namespace=${BASE.namespace}`, '--kube-version=1.22.0', ...args]),
  );
}

/** The output of kustomize for a directory below manifests. */
export function kustomize(folder: string): KubernetesObject[] {
  if (kubectl === undefined) throw new Error('no kubectl');
  return objectsOf(
    execFileSync(kubectl, ['kustomize', `manifests/${folder}`], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
  );
}
