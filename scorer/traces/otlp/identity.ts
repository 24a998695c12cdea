import { serviceKey, type ServiceName } from '../../identity/service-key.ts';
import { type Attributes, firstText } from './attributes.ts';

/** The workload first, as in the exporter's names, so that scores from both belong to one service. */
const SERVICE_KEYS = [
  'k8s.deployment.name',
  'k8s.statefulset.name',
  'k8s.daemonset.name',
  'k8s.cronjob.name',
  'k8s.job.name',
  'service.name',
];
const NAMESPACE_KEYS = ['k8s.namespace.name', 'service.namespace'];

/** The SDKs' own default. */
const UNKNOWN_SERVICE = 'unknown_service';
const MAX_SERVICES = 10_000;

/** Attributes of OpenTelemetry's semantic conventions for labels that installations use. */
const LABEL_KEYS: Readonly<Record<string, readonly string[]>> = {
  cluster: ['k8s.cluster.name'],
  environment: ['deployment.environment.name', 'deployment.environment'],
  env: ['deployment.environment.name', 'deployment.environment'],
  region: ['cloud.region'],
  zone: ['cloud.availability_zone'],
  account: ['cloud.account.id'],
};

/** The name that an attribute has as a label, as Prometheus' OTLP receiver translates it: `k8s_cluster_name`. */
function labelOf(attribute: string): string {
  return attribute.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

/** Names services by resource attributes, with one object for each name. */
export class ServiceNames {
  readonly #defaultNamespace: string;
  readonly #labels: readonly string[];
  readonly #keys: ReadonlySet<string>;
  readonly #known = new Map<string, ServiceName>();

  /** @param labels further labels of services: of the attribute of the same name, or of that of `LABEL_KEYS` */
  constructor(defaultNamespace: string, labels: readonly string[] = []) {
    this.#defaultNamespace = defaultNamespace;
    this.#labels = labels;
    this.#keys = new Set(labels.flatMap((label) => LABEL_KEYS[label] ?? []));
  }

  /** True for an attribute that gives a further label. */
  readonly reads = (key: string): boolean =>
    this.#labels.length > 0 && (this.#keys.has(key) || this.#labels.includes(labelOf(key)));

  of(attributes: Attributes): ServiceName {
    const namespace = firstText(attributes, NAMESPACE_KEYS) ?? this.#defaultNamespace;
    const service = firstText(attributes, SERVICE_KEYS) ?? UNKNOWN_SERVICE;
    const name = { ...this.#further(attributes), namespace, service };
    const key = serviceKey(name);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_SERVICES) this.#known.clear();
    this.#known.set(key, name);
    return name;
  }

  #further(attributes: Attributes): Record<string, string> {
    const further: Record<string, string> = {};
    for (const label of this.#labels) {
      const same = [...attributes.keys()].filter((key) => labelOf(key) === label);
      const value = firstText(attributes, [...same, ...(LABEL_KEYS[label] ?? [])]);
      if (value !== undefined) further[label] = value;
    }
    return further;
  }
}
