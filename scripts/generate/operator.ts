import { dump, load } from 'js-yaml';

interface RuleFile {
  readonly groups: readonly object[];
}

const LABELS = { 'app.kubernetes.io/part-of': 'lorikeet' };

/** Several Kubernetes objects in one file. */
export function manifest(note: string, objects: readonly object[]): string {
  return `# ${note}\n${objects.map((object) => `---\n${dump(object, { lineWidth: -1, noRefs: true })}`).join('')}`;
}

/** The groups of a rule file. */
export function groupsOf(file: string): readonly object[] {
  return (load(file) as RuleFile).groups;
}

/** A rule file for Prometheus Operator. */
export function prometheusRule(name: string, file: string): object {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name, labels: LABELS },
    spec: { groups: groupsOf(file) },
  };
}

/** A dashboard for the sidecar of Grafana's charts. */
export function dashboardConfigMap(uid: string, json: string): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `${uid}-dashboard`,
      labels: { ...LABELS, grafana_dashboard: '1' },
      annotations: { grafana_folder: 'Lorikeet' },
    },
    data: { [`${uid}.json`]: json },
  };
}

/** Files for a Prometheus without the operator, to mount. */
export function prometheusConfigMap(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: LABELS }, data };
}

/** The kustomization of a directory. */
export function kustomization(
  content: { readonly resources: readonly string[] } & Readonly<Record<string, unknown>>,
): string {
  return dump({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', ...content });
}
