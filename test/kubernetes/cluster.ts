import { createHash, randomUUID } from 'node:crypto';
import type { RunningKubernetes } from '../testserver/kubernetes.ts';

/** The node name of this machine. */
export const NODE = 'node-1';

export interface Metadata {
  readonly name: string;
  readonly uid: string;
}

/** The fields of a pod set by a test; the others have defaults. */
export interface PodOptions {
  readonly name: string;
  readonly namespace?: string;
  /** Default: this machine's. */
  readonly node?: string;
  /** Kind and name of its controller. */
  readonly owner?: readonly [kind: string, name: string];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hostNetwork?: boolean;
  readonly ports?: readonly number[];
  readonly addresses?: readonly string[];
  /** Default: BestEffort. */
  readonly qosClass?: 'Guaranteed' | 'Burstable' | 'BestEffort';
}

/** A pod of a Deployment, with name and labels like those by its controllers. */
export function deployed(deployment: string, random = 'x2x9z'): Pick<PodOptions, 'name' | 'owner' | 'labels'> {
  const hash = createHash('sha256').update(deployment).digest('hex').slice(0, 10);
  const owner = ['ReplicaSet', `${deployment}-${hash}`] as const;
  return { name: `${owner[1]}-${random}`, owner, labels: { 'pod-template-hash': hash } };
}

const RESOURCES = {
  Guaranteed: { requests: { cpu: '1', memory: '1Mi' }, limits: { cpu: '1', memory: '1Mi' } },
  Burstable: { requests: { cpu: '1m' } },
  BestEffort: {},
} as const;

/** Acts as users, controllers and kubelets of a cluster. */
export class Cluster {
  readonly #kubernetes: RunningKubernetes;

  constructor(kubernetes: RunningKubernetes) {
    this.#kubernetes = kubernetes;
  }

  async namespace(name: string): Promise<void> {
    await this.#kubernetes.request('POST', '/api/v1/namespaces', { metadata: { name } });
    await this.#kubernetes.request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, {
      metadata: { name: 'default' },
    });
  }

  /** A service account that may only list and watch what the exporter needs, and its token. */
  async account(name: string): Promise<string> {
    const subject = { kind: 'ServiceAccount', namespace: 'default', name };
    const rules = [
      { apiGroups: [''], resources: ['pods', 'services', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ];
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await this.#kubernetes.request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name } });
    await this.#kubernetes.request('POST', `${rbac}/clusterroles`, { metadata: { name }, rules });
    await this.#kubernetes.request('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [subject],
    });
    return this.#kubernetes.token('default', name);
  }

  /** Creates a pod and sets its status to running. */
  async pod(options: PodOptions): Promise<Metadata> {
    const { name, namespace = 'shop', node = NODE, owner, labels = {}, annotations = {}, ports = [] } = options;
    const { metadata } = await this.#kubernetes.request<{ metadata: Metadata }>(
      'POST',
      `/api/v1/namespaces/${namespace}/pods`,
      {
        metadata: {
          name,
          labels,
          annotations,
          ...(owner && {
            ownerReferences: [
              { apiVersion: 'v1', kind: owner[0], name: owner[1], uid: randomUUID(), controller: true },
            ],
          }),
        },
        spec: {
          nodeName: node,
          automountServiceAccountToken: false,
          ...(options.hostNetwork === true && { hostNetwork: true }),
          containers: [
            {
              name: 'main',
              image: 'registry.example/main:1',
              resources: RESOURCES[options.qosClass ?? 'BestEffort'],
              ports: ports.map((containerPort) => ({ containerPort })),
            },
          ],
        },
      },
    );
    await this.status({ namespace, name }, { phase: 'Running', ...addressStatus(options) });
    return metadata;
  }

  async status(
    { namespace, name }: { readonly namespace: string; readonly name: string },
    status: object,
  ): Promise<void> {
    await this.#kubernetes.request('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/status`, { status });
  }

  /** `path` is an object's path below its namespace, such as `pods/cart-0`; null removes an annotation. */
  async annotate(path: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#kubernetes.request('PATCH', `/api/v1/namespaces/${path}`, { metadata: { annotations } });
  }

  async deletePod(name: string, namespace = 'shop'): Promise<void> {
    await this.#kubernetes.request('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`);
  }

  /** Creates a service on port 80 with an address of each family, and its endpoints; returns the addresses. */
  async service(name: string, endpoints: readonly Endpoint[], port: number): Promise<readonly string[]> {
    const { spec } = await this.#kubernetes.request<{ spec: { clusterIPs: string[] } }>(
      'POST',
      '/api/v1/namespaces/shop/services',
      { metadata: { name }, spec: { ports: [{ port: 80 }], ipFamilyPolicy: 'PreferDualStack' } },
    );
    for (const addressType of ['IPv4', 'IPv6']) {
      const ofFamily = endpoints.filter(({ address }) => address.includes(':') === (addressType === 'IPv6'));
      await this.#kubernetes.request('POST', '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices', {
        metadata: { name: `${name}-${addressType.toLowerCase()}`, labels: { 'kubernetes.io/service-name': name } },
        addressType,
        endpoints: ofFamily.map(endpointOf),
        ports: [{ name: '', port, protocol: 'TCP' }],
      });
    }
    return spec.clusterIPs;
  }

  /** Replaces the IPv4 endpoints of a service. */
  async setEndpoints(name: string, endpoints: readonly Endpoint[]): Promise<void> {
    const path = `/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/${name}-ipv4`;
    await this.#kubernetes.request('PATCH', path, { endpoints: endpoints.map(endpointOf) });
  }
}

export interface Endpoint {
  readonly address: string;
  readonly pod: string;
  /** Default: true. */
  readonly ready?: boolean;
}

function endpointOf({ address, pod, ready = true }: Endpoint): object {
  return { addresses: [address], conditions: { ready }, targetRef: { kind: 'Pod', namespace: 'shop', name: pod } };
}

function addressStatus({ addresses = [], hostNetwork = false }: PodOptions): object {
  const [first] = addresses;
  if (first === undefined) return {};
  const hostIP = hostNetwork ? first : '192.0.2.1';
  return { podIP: first, podIPs: addresses.map((ip) => ({ ip })), hostIP };
}
