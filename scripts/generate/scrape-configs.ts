import { dump } from 'js-yaml';

const SCRAPE_INTERVAL = '15s';

interface Job {
  readonly name: string;
  readonly port: number;
  /** The pod's label that identifies an instance beyond the lifetime of a pod: its node, or a scorer's shard. */
  readonly instanceLabel: string;
}

const JOBS: readonly Job[] = [
  { name: 'lorikeet-exporter', port: 9400, instanceLabel: '__meta_kubernetes_pod_node_name' },
  { name: 'lorikeet-scorer', port: 9401, instanceLabel: '__meta_kubernetes_pod_name' },
];

/** The exporter's series are about other services and pods; so are the scorer's with `output: metrics`. */
const HONOR_LABELS = true;
const WHY_HONOR_LABELS =
  '# honor_labels: exporter and scorer export series of other services, whose labels must be kept.';

/** The pods of both have this label in every kind of installation. */
const APP_LABEL = 'app.kubernetes.io/name';
/** Name of the container's port. */
const PORT_NAME = 'metrics';

const yaml = (value: unknown): string => dump(value, { lineWidth: -1, noRefs: true });

/** `scrape_configs` with static targets. */
export function staticScrapeConfigs(): string {
  const configs = JOBS.map(({ name, port }) => ({
    job_name: name,
    honor_labels: HONOR_LABELS,
    scrape_interval: SCRAPE_INTERVAL,
    static_configs: [{ targets: [`localhost:${port}`] }],
  }));
  return `# Add these to scrape_configs in prometheus.yml, with a target for each exporter.\n${WHY_HONOR_LABELS}\n${yaml({ scrape_configs: configs })}`;
}

/** `scrape_configs` with Kubernetes service discovery. */
export function kubernetesScrapeConfigs(): string {
  const configs = JOBS.map(({ name, instanceLabel }) => ({
    job_name: name,
    honor_labels: HONOR_LABELS,
    scrape_interval: SCRAPE_INTERVAL,
    kubernetes_sd_configs: [{ role: 'pod', selectors: [{ role: 'pod', label: `${APP_LABEL}=${name}` }] }],
    relabel_configs: [
      { source_labels: ['__meta_kubernetes_pod_container_port_name'], regex: PORT_NAME, action: 'keep' },
      { source_labels: ['__meta_kubernetes_pod_phase'], regex: 'Failed|Succeeded', action: 'drop' },
      { source_labels: [instanceLabel], target_label: 'instance' },
    ],
  }));
  return `# Add these to scrape_configs in prometheus.yml. Prometheus needs to list and watch pods.\n${WHY_HONOR_LABELS}\n${yaml({ scrape_configs: configs })}`;
}

/** The same for Prometheus Operator. */
export function podMonitors(): object[] {
  return JOBS.map(({ name, instanceLabel }) => ({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: { name, labels: { 'app.kubernetes.io/part-of': 'lorikeet' } },
    spec: {
      selector: { matchLabels: { [APP_LABEL]: name } },
      podMetricsEndpoints: [
        {
          port: PORT_NAME,
          interval: SCRAPE_INTERVAL,
          honorLabels: HONOR_LABELS,
          relabelings: [
            // Rules and dashboards use this job name; the operator's default has namespace and monitor.
            { targetLabel: 'job', replacement: name },
            { sourceLabels: [instanceLabel], targetLabel: 'instance' },
          ],
        },
      ],
    },
  }));
}
