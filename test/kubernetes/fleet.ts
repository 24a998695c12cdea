import { createHash } from 'node:crypto';
import type { RunningKubernetes } from '../testserver/kubernetes.ts';

export interface FleetSize {
  readonly pods: number;
  /** Each is a Deployment with its ReplicaSet, a Service and an EndpointSlice. */
  readonly services: number;
  readonly nodes: number;
}

export interface FleetPod {
  readonly name: string;
  readonly uid: string;
  readonly service: string;
  readonly node: string;
  readonly address: string;
}

interface Workload {
  readonly service: string;
  readonly replicaSet: { readonly name: string; readonly uid: string };
  /** Oldest first. */
  pods: readonly FleetPod[];
}

interface Created {
  readonly metadata: { readonly name: string; readonly uid: string };
}

/** How many endpoints Kubernetes' own controller puts into a slice. */
const SLICE_ENDPOINTS = 100;

/**
 * Many pods, in one namespace, as nodes and controllers would have them: owned, scheduled, running and ready, with
 * addresses of their own. How many requests are under way at a time is bounded by the client of `kubernetes`.
 */
export class Fleet {
  readonly #kubernetes: RunningKubernetes;
  readonly #namespace: string;
  readonly #nodes: number;
  readonly #workloads: Workload[] = [];
  /** Pods ever made: names and addresses come from it. */
  #made = 0;
  #replaced = 0;

  private constructor(kubernetes: RunningKubernetes, namespace: string, nodes: number) {
    this.#kubernetes = kubernetes;
    this.#namespace = namespace;
    this.#nodes = nodes;
  }

  /** Makes the namespace and fills it. Pods are spread evenly over services and nodes. */
  static async create(kubernetes: RunningKubernetes, namespace: string, size: FleetSize): Promise<Fleet> {
    const perService = size.pods / size.services;
    if (perService > SLICE_ENDPOINTS) throw new RangeError(`more than ${SLICE_ENDPOINTS} pods for a service`);
    const fleet = new Fleet(kubernetes, namespace, size.nodes);
    await kubernetes.request('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    await fleet.#post('/api/v1', 'serviceaccounts', { metadata: { name: 'default' } });
    await Promise.all(
      Array.from({ length: size.services }, async (_, index) => {
        const count = Math.floor((index + 1) * perService) - Math.floor(index * perService);
        fleet.#workloads.push(await fleet.#makeWorkload(`service-${index}`, count));
      }),
    );
    return fleet;
  }

  get pods(): readonly FleetPod[] {
    return this.#workloads.flatMap(({ pods }) => pods);
  }

  /** Replaces `count` pods, service by service in turn, as rollouts do: a new one comes before the oldest one goes. */
  async churn(count: number): Promise<void> {
    const turns = new Map<Workload, number>();
    for (let turn = 0; turn < count; turn++) {
      const workload = this.#workloads[this.#replaced++ % this.#workloads.length];
      if (workload !== undefined) turns.set(workload, (turns.get(workload) ?? 0) + 1);
    }
    await Promise.all([...turns].map(([workload, pods]) => this.#replace(workload, pods)));
  }

  async #replace(workload: Workload, count: number): Promise<void> {
    const made = await this.#makePods(workload, count);
    const gone = workload.pods.slice(0, count);
    workload.pods = [...workload.pods.slice(count), ...made];
    const slice = `${this.#path('/apis/discovery.k8s.io/v1', 'endpointslices')}/${workload.service}`;
    await this.#kubernetes.request('PATCH', slice, { endpoints: workload.pods.map((pod) => this.#endpoint(pod)) });
    const pods = this.#path('/api/v1', 'pods');
    // There is no kubelet that would confirm a graceful end.
    await Promise.all(
      gone.map(({ name }) => this.#kubernetes.request('DELETE', `${pods}/${name}?gracePeriodSeconds=0`)),
    );
  }

  async #makeWorkload(service: string, count: number): Promise<Workload> {
    const labels = { app: service };
    const template = { metadata: { labels }, spec: podSpec(service) };
    const spec = { replicas: count, selector: { matchLabels: labels }, template };
    const deployment = await this.#post('/apis/apps/v1', 'deployments', { metadata: { name: service, labels }, spec });
    const hash = digest(service).slice(0, 10);
    const replicaSet = await this.#post('/apis/apps/v1', 'replicasets', {
      metadata: { name: `${service}-${hash}`, labels, ownerReferences: [owner('Deployment', deployment)] },
      spec,
    });
    const workload: Workload = { service, replicaSet: replicaSet.metadata, pods: [] };
    workload.pods = await this.#makePods(workload, count);
    await this.#post('/api/v1', 'services', {
      metadata: { name: service, labels },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    });
    await this.#post('/apis/discovery.k8s.io/v1', 'endpointslices', {
      metadata: { name: service, labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      endpoints: workload.pods.map((pod) => this.#endpoint(pod)),
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    });
    return workload;
  }

  #makePods(workload: Workload, count: number): Promise<readonly FleetPod[]> {
    return Promise.all(Array.from({ length: count }, () => this.#makePod(workload)));
  }

  async #makePod({ service, replicaSet }: Workload): Promise<FleetPod> {
    const number = this.#made++;
    const node = `node-${number % this.#nodes}`;
    const address = `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
    const pod = await this.#post('/api/v1', 'pods', {
      metadata: {
        name: `${replicaSet.name}-${digest(String(number)).slice(0, 5)}${number}`,
        labels: { app: service, 'pod-template-hash': replicaSet.name.slice(service.length + 1) },
        annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() },
        ownerReferences: [owner('ReplicaSet', { metadata: replicaSet })],
      },
      spec: { ...podSpec(service), nodeName: node },
    });
    const { name, uid } = pod.metadata;
    await this.#kubernetes.request('PATCH', `${this.#path('/api/v1', 'pods')}/${name}/status`, {
      status: runningStatus(service, uid, address),
    });
    return { name, uid, service, node, address };
  }

  #endpoint({ name, uid, node, address }: FleetPod): object {
    const targetRef = { kind: 'Pod', namespace: this.#namespace, name, uid };
    return { addresses: [address], nodeName: node, conditions: { ready: true }, targetRef };
  }

  #post(api: string, resource: string, body: object): Promise<Created> {
    return this.#kubernetes.request<Created>('POST', this.#path(api, resource), body);
  }

  #path(api: string, resource: string): string {
    return `${api}/namespaces/${this.#namespace}/${resource}`;
  }
}

function owner(kind: 'Deployment' | 'ReplicaSet', { metadata: { name, uid } }: Created): object {
  return { apiVersion: 'apps/v1', kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** About as large as pods are in clusters: what a client keeps of them decides what memory it takes. */
function podSpec(service: string): object {
  const env = Array.from({ length: 12 }, (_, index) => ({ name: `SETTING_${index}`, value: `${service}-${index}` }));
  const probe = { httpGet: { path: '/healthy', port: 8080 }, periodSeconds: 10 };
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } };
  const ports = [{ name: 'http', containerPort: 8080 }];
  const image = `registry.example/${service}:1.0.0`;
  return {
    containers: [{ name: service, image, env, ports, resources, livenessProbe: probe, readinessProbe: probe }],
    tolerations: [{ key: 'example/dedicated', operator: 'Exists', effect: 'NoSchedule' }],
  };
}

function runningStatus(service: string, uid: string, address: string): object {
  const now = new Date().toISOString();
  const types = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'];
  return {
    phase: 'Running',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: now,
    conditions: types.map((type) => ({ type, status: 'True', lastTransitionTime: now })),
    containerStatuses: [
      {
        name: service,
        image: `registry.example/${service}:1.0.0`,
        imageID: `registry.example/${service}@sha256:${digest(service)}`,
        containerID: `containerd://${digest(uid)}`,
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: now } },
      },
    ],
  };
}

/** 64 hexadecimal digits, always the same for a text. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
