import { addressBytes, peerAddress, type PeerAddress } from '../../peers/addresses.ts';
import { readAnnotations, type Annotations } from './annotations.ts';
import { identityOf, type Identity } from './service-identity.ts';
import { createdAt, type ApiObject, type ObjectMeta } from '../api/metadata.ts';
import type { CgroupName } from './pod-cgroup.ts';
import { workloadOf, type Workload } from './workload.ts';

/** The fields used of a pod. */
interface ApiPod extends ApiObject {
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly containers?: readonly ApiContainer[];
    readonly initContainers?: readonly ApiContainer[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly qosClass?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
    readonly hostIP?: string;
    readonly hostIPs?: readonly { readonly ip?: string }[];
  };
}

interface ApiContainer {
  readonly ports?: readonly {
    readonly containerPort?: number;
    readonly hostPort?: number;
    readonly protocol?: string;
  }[];
}

/** A pod of this machine. */
export interface LocalPod extends Identity {
  readonly name: string;
  readonly workloadKind: string;
  readonly annotations: Annotations;
  readonly cgroup: CgroupName;
  /**
   * Its own addresses. For a pod in its node's network, and for forwarded host ports: the node's addresses with a port.
   */
  readonly addresses: readonly PeerAddress[];
}

/** Compacts a pod's metadata to the identity of its service. */
export function peerPod({ metadata }: ApiObject): Identity {
  return identityOfPod(metadata, readAnnotations(metadata), workloadOf(metadata));
}

function identityOfPod(metadata: ObjectMeta, { service }: Annotations, { name }: Workload): Identity {
  return identityOf(metadata.namespace ?? '', service ?? name, createdAt(metadata));
}

/** Compacts a pod; undefined if it has terminated: its addresses may belong to another pod. */
export function localPod(object: ApiObject): LocalPod | undefined {
  const pod: ApiPod = object;
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return undefined;
  const annotations = readAnnotations(pod.metadata);
  const workload = workloadOf(pod.metadata);
  return {
    ...identityOfPod(pod.metadata, annotations, workload),
    name: pod.metadata.name,
    workloadKind: workload.kind,
    annotations,
    cgroup: { qosClass: pod.status?.qosClass ?? 'BestEffort', uid: cgroupUid(pod.metadata) },
    addresses: [...ownAddresses(pod), ...portsOfNode(pod)],
  };
}

/** The kubelet creates a static pod's cgroup before the API server has the pod, and names it by the manifest's hash. */
function cgroupUid({ annotations = {}, uid = '' }: ObjectMeta): string {
  const mirror = annotations['kubernetes.io/config.mirror'];
  return mirror === undefined ? uid : (annotations['kubernetes.io/config.hash'] ?? mirror);
}

function ownAddresses({ spec, status }: ApiPod): readonly PeerAddress[] {
  return spec?.hostNetwork === true ? [] : parseAddresses(status?.podIPs).map((bytes) => peerAddress(bytes));
}

/** For containers in the node's network, the API server sets the host port to the container port. */
function portsOfNode({ spec, status }: ApiPod): readonly PeerAddress[] {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const ports = containers.flatMap(({ ports: declared = [] }) =>
    declared.flatMap(({ hostPort, protocol = 'TCP' }) => (protocol === 'TCP' && hostPort ? [hostPort] : [])),
  );
  if (ports.length === 0) return [];
  // Pods in their node's network have the node's addresses.
  const nodes = parseAddresses(spec?.hostNetwork === true ? status?.podIPs : hostAddresses(status));
  return nodes.flatMap((bytes) => ports.map((port) => peerAddress(bytes, port)));
}

/** Kubernetes before 1.30 only has one. */
function hostAddresses({ hostIP, hostIPs }: NonNullable<ApiPod['status']> = {}): readonly { readonly ip?: string }[] {
  return hostIPs ?? (hostIP === undefined ? [] : [{ ip: hostIP }]);
}

function parseAddresses(list: readonly { readonly ip?: string }[] = []): readonly string[] {
  return list.flatMap(({ ip = '' }) => addressBytes(ip) ?? []);
}
