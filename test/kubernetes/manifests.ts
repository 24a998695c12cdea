import { execFileSync } from 'node:child_process';
import { loadAll } from 'js-yaml';
import { BASE } from '../../scripts/generate/base.ts';
import { findKubernetesProgram, OLDEST_KUBERNETES } from '../../scripts/generate/helm.ts';
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
  '--set=web.tls.secretName=web-tls,web.auth.scrapeSecretName=scrape',
  `--set-json=web.auth.users={"prometheus":"$2y$10$${'a'.repeat(53)}"}`,
  '--set-json=prometheus.scrapeConfig={"basic_auth":{"username":"prometheus","password_file":"/etc/password"}}',
  '--set=operator.podMonitor.interval=10s,operator.podMonitor.scrapeTimeout=5s,operator.podMonitor.sampleLimit=50000',
  '--set-json=operator.podMonitor.relabelings=[{"targetLabel":"cluster","replacement":"a"}]',
  '--set-json=operator.podMonitor.metricRelabelings=[{"action":"labeldrop","regex":"pod"}]',
  '--set-json=scorer.topologySpreadConstraints=[{"maxSkew":1,"topologyKey":"a","whenUnsatisfiable":"ScheduleAnyway"}]',
  '--set-json=exporter.extraEnv=[{"name":"TZ","value":"UTC"}]',
  '--set-json=scorer.extraEnv=[{"name":"TZ","value":"UTC"}]',
  '--set-json=extraManifests=[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"extra"}}]',
];

const helm = findKubernetesProgram('.', 'helm');
const kubectl = findKubernetesProgram('.', 'kubectl');

/** What `helm template` and `helm lint` take for the oldest supported version, without a registry. */
export const RENDERING = [`--kube-version=${OLDEST_KUBERNETES}`, ...BASE.values] as const;

/** Runs a helm command that only needs the chart. @throws Error with helm's error message. */
export function runHelm(args: readonly string[]): string {
  if (helm === undefined) throw new Error('no helm');
  return execFileSync(helm, args, { encoding: 'utf8', stdio: 'pipe', maxBuffer: 2 ** 26 });
}

export function template(...args: readonly string[]): KubernetesObject[] {
  return objectsOf(runHelm(['template', BASE.release, CHART, `--namespace=${BASE.namespace}`, ...RENDERING, ...args]));
}

/** Helm's error message for a chart, or values, that it must reject. */
export function complaint(chart: string, ...values: readonly string[]): string {
  try {
    runHelm(['template', BASE.release, chart, ...RENDERING, ...values]);
  } catch (error) {
    return (error as Error & { stderr: string }).stderr;
  }
  throw new Error(`accepted: ${[chart, ...values].join(' ')}`);
}

/** The only object of this kind and name. */
export function objectOf(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const [object, ...others] = objects.filter((one) => one.kind === kind && one.metadata.name === name);
  if (object === undefined || others.length > 0) throw new Error(`${others.length} more ${kind} ${name}`);
  return object;
}

/** The output of kustomize for a directory below manifests. */
export function kustomize(folder: string): KubernetesObject[] {
  if (kubectl === undefined) throw new Error('no kubectl');
  return objectsOf(
    execFileSync(kubectl, ['kustomize', `manifests/${folder}`], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
  );
}
