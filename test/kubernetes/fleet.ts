import { randomUUID } from 'node:crypto';
import type { RunningKubernetes, StoredObject } from '../testserver/kubernetes.ts';
import {
  deploymentOf,
  endpointOf,
  endpointSliceOf,
  type FleetPod,
  type FleetService,
  podOf,
  replicaSetOf,
  serviceOf,
  statusOf,
  templateHash,
} from './fleet-objects.ts';

export interface FleetSize {
  readonly pods: number;
  readonly services: number;
  readonly nodes: number;
}

/** Endpoints per slice, as by Kubernetes' controller. */
const SLICE_ENDPOINTS = 100;

/**
 * Many pods in a namespace, like those by controllers and nodes: owned, running and ready, with unique addresses. They
 * are written to etcd directly; later changes use the API, where `kubernetes` limits the number of concurrent requests.
 */
export class Fleet {
  readonly #kubernetes: RunningKubernetes;
  readonly #namespace: string;
  readonly #nodes: number;
  /** By service, oldest first. */
  readonly #pods = new Map<FleetService, FleetPod[]>();
  /** Number of created pods, which determines nodes, names and addresses. */
  #made = 0;
  /** Number of replaced pods, which determines the next service. */
  #replaced = 0;

  private constructor(kubernetes: RunningKubernetes, namespace: string, nodes: number) {
    this.#kubernetes = kubernetes;
    this.#namespace = namespace;
    this.#nodes = nodes;
  }

  /** Creates the namespace and its objects. Pods are spread evenly over services and nodes. */
  static async create(kubernetes: RunningKubernetes, namespace: string, size: FleetSize): Promise<Fleet> {
    if (size.pods > size.services * SLICE_ENDPOINTS) throw new RangeError('too many pods for so few services');
    const fleet = new Fleet(kubernetes, namespace, size.nodes);
    await kubernetes.request('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    await kubernetes.request('POST', fleet.#path('serviceaccounts'), { metadata: { name: 'default' } });
    await fleet.#seedPods(
      Array.from({ length: size.services }, (_, index) => fleet.#nextService(index)),
      size.pods,
    );
    await fleet.#seedServices();
    return fleet;
  }

  get pods(): readonly FleetPod[] {
    return [...this.#pods.values()].flat();
  }

  /** Replaces `count` pods, service by service in turn, like rollouts: creates a new one, then deletes the oldest. */
  async churn(count: number): Promise<void> {
    if (count > this.pods.length) throw new RangeError('cannot replace more pods than exist');
    const services = [...this.#pods.keys()];
    const turns = new Map<FleetService, number>();
    for (const service of inTurn(services, this.#replaced, count)) turns.set(service, (turns.get(service) ?? 0) + 1);
    this.#replaced += count;
    await Promise.all([...turns].map(([service, pods]) => this.#replace(service, pods)));
  }

  async #replace(service: FleetService, count: number): Promise<void> {
    const made = await Promise.all(Array.from({ length: count }, () => this.#makePod(service)));
    const before = this.#pods.get(service) ?? [];
    const after = [...before.slice(count), ...made];
    this.#pods.set(service, after);
    await this.#kubernetes.request('PATCH', this.#path('endpointslices', service.name), {
      endpoints: after.map(endpointOf),
    });
    // No node can confirm a graceful termination.
    const remove = { gracePeriodSeconds: 0 };
    await Promise.all(
      before.slice(0, count).map(({ name }) => this.#kubernetes.request('DELETE', this.#path('pods', name), remove)),
    );
  }

  /** Creates a pod by the API: first without a status, as usual, then running. */
  async #makePod(service: FleetService): Promise<FleetPod> {
    const next = this.#nextPod(service);
    const { metadata } = await this.#kubernetes.request<StoredObject>('POST', this.#path('pods'), podOf(next));
    const pod = { ...next, uid: metadata.uid };
    await this.#kubernetes.request('PATCH', this.#path('pods', pod.name, 'status'), { status: statusOf(pod) });
    return pod;
  }

  /** Creates the first pod by the API; the others copy the fields added by the server. */
  async #seedPods(services: readonly FleetService[], count: number): Promise<void> {
    const [first, ...others] = inTurn(services, 0, count);
    if (first === undefined) return;
    const pattern = await this.#makePod(first);
    const stored = await this.#kubernetes.request<StoredObject>('GET', this.#path('pods', pattern.name));
    const copies = others.map((service) => ({ ...this.#nextPod(service), uid: randomUUID() }));
    await this.#kubernetes.seed(
      'pods',
      copies.map((pod) => copyOf(stored, pod)),
    );
    for (const service of services) this.#pods.set(service, []);
    for (const pod of [pattern, ...copies]) this.#pods.get(pod.service)?.push(pod);
  }

  async #seedServices(): Promise<void> {
    const services = [...this.#pods];
    await this.#kubernetes.seed(
      'deployments',
      services.map(([service, pods]) => deploymentOf(service, pods.length)),
    );
    await this.#kubernetes.seed(
      'replicasets',
      services.map(([service, pods]) => replicaSetOf(service, pods.length)),
    );
    await this.#kubernetes.seed(
      'endpointslices',
      services.map(([service, pods]) => endpointSliceOf(service, randomUUID(), pods)),
    );
    // By the API: the server allocates a service's address.
    await Promise.all(
      services.map(([service]) => this.#kubernetes.request('POST', this.#path('services'), serviceOf(service))),
    );
  }

  #nextService(index: number): FleetService {
    const name = `service-${index}`;
    return {
      namespace: this.#namespace,
      name,
      deployment: { name, uid: randomUUID() },
      replicaSet: { name: `${name}-${templateHash(name)}`, uid: randomUUID() },
    };
  }

  #nextPod(service: FleetService): Omit<FleetPod, 'uid'> {
    const number = this.#made++;
    return {
      service,
      name: `${service.replicaSet.name}-${number.toString(36).padStart(5, '0')}`,
      node: `node-${number % this.#nodes}`,
      address: `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`,
    };
  }

  #path(resource: string, ...below: readonly string[]): string {
    const api = resource === 'endpointslices' ? '/apis/discovery.k8s.io/v1' : '/api/v1';
    return [`${api}/namespaces/${this.#namespace}/${resource}`, ...below].join('/');
  }
}

/** The next `count` items of a list, which repeats. */
function inTurn<Item>(list: readonly Item[], from: number, count: number): readonly Item[] {
  return Array.from({ length: count }, (_, index) => list[(from + index) % list.length]).filter(
    (item) => item !== undefined,
  );
}

function copyOf(stored: StoredObject, pod: FleetPod): StoredObject {
  const { metadata, spec } = podOf(pod);
  return {
    ...stored,
    metadata: { ...stored.metadata, ...metadata, uid: pod.uid },
    spec: { ...stored.spec, ...spec },
    status: statusOf(pod),
  };
}
