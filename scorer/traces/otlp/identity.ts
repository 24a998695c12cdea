import type { ServiceName } from '../../identity/service-key.ts';
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

/** Names services by resource attributes, with one object for each name. */
export class ServiceNames {
  readonly #defaultNamespace: string;
  readonly #known = new Map<string, ServiceName>();

  constructor(defaultNamespace: string) {
    this.#defaultNamespace = defaultNamespace;
  }

  of(attributes: Attributes): ServiceName {
    const namespace = firstText(attributes, NAMESPACE_KEYS) ?? this.#defaultNamespace;
    const service = firstText(attributes, SERVICE_KEYS) ?? UNKNOWN_SERVICE;
    const key = `${namespace}\n${service}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_SERVICES) this.#known.clear();
    const name = { namespace, service };
    this.#known.set(key, name);
    return name;
  }
}
