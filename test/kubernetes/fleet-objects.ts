import { createHash } from 'node:crypto';
import type { StoredObject } from '../testserver/kubernetes.ts';

export interface ObjectId {
  readonly name: string;
  readonly uid: string;
}

/** A Deployment with its one ReplicaSet, and the Service of the same name. */
export interface FleetService {
  readonly namespace: string;
  readonly name: string;
  readonly deployment: ObjectId;
  readonly replicaSet: ObjectId;
}

export interface FleetPod extends ObjectId {
  readonly service: FleetService;
  readonly node: string;
  readonly address: string;
}

/** The fields of a pod set by its controller and the scheduler. */
export function podOf({ name, service, node }: Omit<FleetPod, 'uid'>) {
  return {
    metadata: {
      namespace: service.namespace,
      name,
      labels: { app: service.name, 'pod-template-hash': templateHash(service.name) },
      annotations: { 'kubectl.kubernetes.io/restartedAt': now() },
      ownerReferences: [ownerReference('ReplicaSet', service.replicaSet)],
    },
    spec: { ...podSpec(service.name), nodeName: node },
  };
}

/** The status of a running pod, set by its node. */
export function statusOf({ service, uid, address }: FleetPod): object {
  const types = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'];
  const image = imageOf(service.name);
  return {
    phase: 'Running',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: now(),
    conditions: types.map((type) => ({ type, status: 'True', lastTransitionTime: now() })),
    containerStatuses: [
      {
        name: service.name,
        image,
        imageID: `${image}@sha256:${digest(image)}`,
        containerID: `containerd://${digest(uid)}`,
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: now() } },
      },
    ],
  };
}

export function deploymentOf(service: FleetService, replicas: number): StoredObject {
  const { namespace, name, deployment } = service;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, ...deployment, creationTimestamp: now(), labels: { app: name } },
    spec: workloadSpec(name, replicas),
  };
}

export function replicaSetOf(service: FleetService, replicas: number): StoredObject {
  const { namespace, name, deployment, replicaSet } = service;
  const ownerReferences = [ownerReference('Deployment', deployment)];
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { namespace, ...replicaSet, creationTimestamp: now(), labels: { app: name }, ownerReferences },
    spec: workloadSpec(name, replicas),
  };
}

export function serviceOf({ name }: FleetService): object {
  return {
    metadata: { name, labels: { app: name } },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

export function endpointSliceOf(
  { namespace, name }: FleetService,
  uid: string,
  pods: readonly FleetPod[],
): StoredObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name, uid, creationTimestamp: now(), labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: pods.map(endpointOf),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}

export function endpointOf({ service, name, uid, node, address }: FleetPod): object {
  const targetRef = { kind: 'Pod', namespace: service.namespace, name, uid };
  return { addresses: [address], nodeName: node, conditions: { ready: true }, targetRef };
}

/** The hash of a Deployment's template in the name of its ReplicaSet. */
export function templateHash(service: string): string {
  return digest(service).slice(0, 10);
}

function workloadSpec(service: string, replicas: number): object {
  const labels = { app: service };
  return { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec(service) } };
}

/** As large as usual pods, because the size determines the memory of clients. */
function podSpec(service: string): object {
  const env = Array.from({ length: 12 }, (_, index) => ({ name: `SETTING_${index}`, value: `${service}-${index}` }));
  const probe = { httpGet: { path: '/healthy', port: 8080 }, periodSeconds: 10 };
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } };
  const ports = [{ name: 'http', containerPort: 8080 }];
  const image = imageOf(service);
  return {
    containers: [{ name: service, image, env, ports, resources, livenessProbe: probe, readinessProbe: probe }],
    tolerations: [{ key: 'example/dedicated', operator: 'Exists', effect: 'NoSchedule' }],
  };
}

function imageOf(service: string): string {
  return `registry.example/${service}:1.0.0`;
}

function ownerReference(kind: 'Deployment' | 'ReplicaSet', { name, uid }: ObjectId): object {
  return { apiVersion: 'apps/v1', kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Time in seconds, like in Kubernetes. */
function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

/** 64 hexadecimal digits, deterministic for a text. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
