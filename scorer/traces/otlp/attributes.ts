import { cut } from './text.ts';

export type AttributeValue = string | number | boolean;
export type Attributes = ReadonlyMap<string, AttributeValue>;

/** SDKs send at most 128 attributes, 128 events and 128 links of a span by default. */
export const MAX_FIELDS = 4096;

/** Longer texts are cut. */
const MAX_TEXT = 256;

/** The attributes that are read; all others are ignored. */
const READ: ReadonlySet<string> = new Set([
  'db.name',
  'db.namespace',
  'db.system',
  'db.system.name',
  'http.response.status_code',
  'http.route',
  'http.status_code',
  'http.target',
  'http.url',
  'k8s.cronjob.name',
  'k8s.daemonset.name',
  'k8s.deployment.name',
  'k8s.job.name',
  'k8s.namespace.name',
  'k8s.statefulset.name',
  'network.peer.address',
  'network.peer.port',
  'peer.service',
  'rpc.grpc.status_code',
  'rpc.response.status_code',
  'server.address',
  'service.name',
  'service.namespace',
  'service.peer.name',
  'url.full',
  'url.path',
]);

/** Collects the attributes of a span or a resource that are read. Of several with one key the first one counts. */
export class AttributeCollector {
  readonly values = new Map<string, AttributeValue>();
  readonly #reads: (key: string) => boolean;

  /** @param reads returns true for further attributes to read. Default: none. */
  constructor(reads: (key: string) => boolean = () => false) {
    this.#reads = reads;
  }

  wants(key: string): boolean {
    return (READ.has(key) || this.#reads(key)) && !this.values.has(key);
  }

  set(key: string, value: AttributeValue): void {
    this.values.set(key, typeof value === 'string' ? cut(value, MAX_TEXT) : value);
  }
}

/** The first of `keys` that has a text or number as value, as text. */
export function firstText(attributes: Attributes, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = attributes.get(key);
    if (value !== undefined && value !== '' && typeof value !== 'boolean') return String(value);
  }
  return undefined;
}
