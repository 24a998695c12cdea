import { declaredPorts } from '../declared-protocols.ts';
import { performance } from 'node:perf_hooks';
import type { Logger } from '../../../daemon/logger.ts';
import type { Peer, Target, TargetSource } from '../target.ts';
import { readAnnotations, type Annotations, type RejectedAnnotation } from './objects/annotations.ts';
import { ApiClient } from './api/api-client.ts';
import type { Credentials } from './api/credentials.ts';
import { endpointsOf, type Endpoints } from './objects/endpoints.ts';
import { EndedPods } from './ended-pods.ts';
import { NAMING_MS, Peers, type PeerTable } from './peers.ts';
import { PodCgroups } from './objects/pod-cgroup.ts';
import { localPod, peerPod, type LocalPod } from './objects/pod.ts';
import { Reflector, type Resource } from './api/reflector.ts';
import { RejectedAnnotations } from './objects/rejected-annotations.ts';
import type { Identity } from './objects/service-identity.ts';
import { virtualService, type VirtualService } from './objects/service.ts';

export interface KubernetesOptions {
  readonly credentials: Credentials;
  readonly nodeName: string;
  /** Mount point of cgroup2. */
  readonly cgroupfs: string;
  /** Whether to monitor pods without an annotation. */
  readonly monitorDefault: boolean;
  readonly userAgent: string;
  readonly logger: Logger;
  /** Called once, after all resources have been listed. */
  readonly onReady: () => void;
}

/** Delay before changes take effect, in milliseconds: changes of a pod come in bursts. */
const SETTLE_MS = 100;
/** Minimum time between two updates, in milliseconds, however many pods of the cluster change. */
const MIN_INTERVAL_MS = 2000;
/** Time between searches for missing cgroups of pods, in milliseconds: they may be the kubelet's first pods. */
const SEARCH_MS = 2000;

/** The pods of this machine and their peers in the cluster, from the Kubernetes API. */
export class KubernetesSource implements TargetSource {
  readonly name = 'kubernetes';
  readonly #options: KubernetesOptions;
  readonly #pods: Reflector<LocalPod>;
  readonly #namespaces: Reflector<Annotations>;
  readonly #services: Reflector<VirtualService>;
  readonly #slices: Reflector<Endpoints>;
  readonly #peerPods: Reflector<Identity>;
  readonly #ended = new EndedPods();
  readonly #peers = new Peers();
  readonly #cgroups: PodCgroups;
  readonly #rejected: RejectedAnnotations;
  #targets: readonly Target[] = [];
  #table: PeerTable | undefined;
  #beforeChange = (): void => {};
  #changing: NodeJS.Timeout | undefined;
  /** Time of the last update of the targets by performance.now(); 0: none. */
  #changedAt = 0;
  #searching: NodeJS.Timeout | undefined;
  #naming: NodeJS.Timeout | undefined;

  constructor(options: KubernetesOptions) {
    this.#options = options;
    this.#cgroups = new PodCgroups(options.cgroupfs);
    this.#rejected = new RejectedAnnotations(options.logger);
    const client = new ApiClient(options.credentials, options.userAgent);
    const reflector = <T>(resource: Resource<T>, onRemove = (_key: string, _object: T): void => {}): Reflector<T> =>
      new Reflector({ client, resource, logger: options.logger, onChange: () => this.#scheduleChange(), onRemove });
    const query = { fieldSelector: `spec.nodeName=${options.nodeName}` };
    this.#pods = reflector({ name: 'pods', path: '/api/v1/pods', query, compact: localPod }, (key, pod) =>
      this.#ended.add(key, pod, performance.now()),
    );
    this.#namespaces = reflector({
      name: 'namespaces',
      path: '/api/v1/namespaces',
      metadataOnly: true,
      compact: ({ metadata }) => readAnnotations(metadata),
    });
    this.#services = reflector({ name: 'services', path: '/api/v1/services', compact: virtualService });
    this.#slices = reflector({
      name: 'endpointslices',
      path: '/apis/discovery.k8s.io/v1/endpointslices',
      compact: endpointsOf,
    });
    this.#peerPods = reflector({ name: 'pod_metadata', path: '/api/v1/pods', metadataOnly: true, compact: peerPod });
  }

  /** Starts to list and watch. Retries while the API server is unavailable. */
  start(): void {
    for (const reflector of this.reflectors) reflector.start();
  }

  get targets(): readonly Target[] {
    return this.#targets;
  }

  peer(bytes: string, port: number): Peer | undefined {
    return this.#table?.find(bytes, port);
  }

  beforeChange(listener: () => void): void {
    this.#beforeChange = listener;
  }

  /** `true` once every resource has been listed; otherwise the reason. */
  get ready(): true | string {
    if (this.#changedAt > 0) return true;
    const waiting = this.reflectors.filter(({ synced }) => !synced);
    const reasons = waiting.map(({ name, failure }) => `${name}: ${failure ?? 'not listed yet'}`);
    return `Kubernetes API: ${reasons.join('; ')}`;
  }

  /** One for each resource. */
  get reflectors(): readonly Reflector<unknown>[] {
    return [this.#pods, this.#namespaces, this.#services, this.#slices, this.#peerPods];
  }

  /** Annotations that were rejected since the start. */
  get rejectedAnnotations(): number {
    return this.#rejected.total;
  }

  /** Services with more than one workload behind them. */
  get ambiguousServices(): number {
    return this.#peers.ambiguous;
  }

  async close(): Promise<void> {
    clearTimeout(this.#changing);
    clearTimeout(this.#searching);
    clearTimeout(this.#naming);
    await Promise.all(this.reflectors.map((reflector) => reflector.close()));
  }

  #scheduleChange(): void {
    if (this.#changing !== undefined) return;
    const waitMs = Math.max(SETTLE_MS, this.#changedAt + MIN_INTERVAL_MS - performance.now());
    this.#changing = setTimeout(() => {
      this.#changing = undefined;
      this.#change();
    }, waitMs);
  }

  #change(): void {
    // Wait for all resources: a namespace may disable monitoring of its pods, and unknown peers would be external.
    if (this.reflectors.some(({ synced }) => !synced)) return;
    const targets = this.#localTargets();
    const table = this.#resolvePeers();
    this.#rejected.update(this.#rejectedNow(), performance.now());
    this.#beforeChange();
    this.#targets = targets;
    this.#table = table;
    const isFirst = this.#changedAt === 0;
    this.#changedAt = performance.now();
    this.#searchCgroups();
    this.#settleNames();
    if (isFirst) this.#options.onReady();
  }

  #localTargets(): readonly Target[] {
    const ended = this.#ended.current(performance.now());
    return [
      ...Array.from(this.#pods.objects.values(), (pod) => this.#targetOf(pod)),
      ...ended.map((pod): Target => ({ ...this.#targetOf(pod), ended: true })),
    ];
  }

  #targetOf(pod: LocalPod): Target {
    return {
      namespace: pod.namespace,
      service: pod.service,
      pod: pod.name,
      cgroup: this.#cgroups.path(pod.cgroup),
      // `peer` knows them.
      addresses: [],
      ...(pod.annotations.protocols && { declared: declaredPorts(pod.addresses, pod.annotations.protocols) }),
      monitored: this.#isMonitored(pod),
      workloadKind: pod.workloadKind,
      node: this.#options.nodeName,
    };
  }

  #isMonitored({ namespace, annotations }: LocalPod): boolean {
    const { monitor = this.#namespaces.objects.get(namespace)?.monitor } = annotations;
    return monitor ?? this.#options.monitorDefault;
  }

  #resolvePeers(): PeerTable {
    const objects = {
      local: this.#pods.objects.values(),
      pods: this.#peerPods.objects,
      services: this.#services.objects,
      slices: this.#slices.objects.values(),
    };
    return this.#peers.resolve(objects, performance.now());
  }

  *#rejectedNow(): Generator<readonly [string, RejectedAnnotation]> {
    for (const [key, { annotations }] of this.#pods.objects) {
      for (const rejected of annotations.rejected) yield [`pod ${key}`, rejected];
    }
    for (const [name, { rejected }] of this.#namespaces.objects) {
      for (const annotation of rejected) yield [`namespace ${name}`, annotation];
    }
  }

  /** Resolves peers again when names that are pending now have to be settled. */
  #settleNames(): void {
    clearTimeout(this.#naming);
    if (!this.#peers.isWaiting) return;
    this.#naming = setTimeout(() => this.#scheduleChange(), NAMING_MS);
    this.#naming.unref();
  }

  /** Searches for the kubelet's directories again while a pod's cgroup is missing. */
  #searchCgroups(): void {
    clearTimeout(this.#searching);
    if (!this.#someAreMissing()) return;
    this.#searching = setTimeout(() => {
      this.#cgroups.search();
      const known = new Set(this.#targets.map(({ cgroup }) => cgroup));
      const pods = [...this.#pods.objects.values()];
      if (pods.some(({ cgroup }) => !known.has(this.#cgroups.path(cgroup)))) this.#scheduleChange();
      else this.#searchCgroups();
    }, SEARCH_MS);
    this.#searching.unref();
  }

  #someAreMissing(): boolean {
    for (const pod of this.#pods.objects.values()) {
      const path = this.#cgroups.path(pod.cgroup);
      if (path === undefined || !this.#cgroups.exists(path)) return true;
    }
    return false;
  }
}
