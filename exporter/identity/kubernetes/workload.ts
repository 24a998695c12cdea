import { createdAt, type ObjectMeta, type OwnerReference } from './metadata.ts';

/** What a pod is an instance of. */
export interface Workload {
  /** Kind of the outermost owner that can be told, such as `Deployment`. */
  readonly kind: string;
  readonly name: string;
}

/** Labels that hold the hash by which a controller names its ReplicaSets, `<name>-<hash>`, and that controller's kind. */
const HASH_LABELS = [
  ['pod-template-hash', 'Deployment'],
  ['rollouts-pod-template-hash', 'Rollout'],
] as const;

/**
 * The workload that owns a pod, told from the pod's own metadata: nobody has to watch the ReplicaSets and Jobs in
 * between, whose objects change with every pod.
 */
export function workloadOf(pod: ObjectMeta): Workload {
  const owner = pod.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return { kind: 'Pod', name: pod.name };
  if (owner.kind === 'ReplicaSet') return ofReplicaSet(owner, pod);
  if (owner.kind === 'Job') return ofJob(owner, pod);
  if (owner.kind === 'Node') return ofNode(owner, pod);
  return { kind: owner.kind, name: owner.name };
}

function ofReplicaSet({ kind, name }: OwnerReference, { labels = {} }: ObjectMeta): Workload {
  for (const [label, owner] of HASH_LABELS) {
    const suffix = `-${labels[label]}`;
    if (name.endsWith(suffix) && name.length > suffix.length) {
      return { kind: owner, name: name.slice(0, -suffix.length) };
    }
  }
  return { kind, name };
}

const MINUTE_MS = 60_000;
/** How late the controller may make a Job, and how long a Job may go on making pods. */
const LATEST_MS = 7 * 24 * 60 * MINUTE_MS;
/** How far the clocks of two machines may differ. */
const CLOCKS_MS = 2 * MINUTE_MS;

/**
 * The CronJob controller names a Job `<name>-<minutes from 1970 to the scheduled time>` (since Kubernetes 1.21,
 * getJobName in pkg/controller/cronjob/utils.go). A number that isn't a time shortly before the pod's is another's, such
 * as the date in `migrate-20240131`.
 */
function ofJob({ kind, name }: OwnerReference, pod: ObjectMeta): Workload {
  const match = /^(.+)-(\d{8,9})$/.exec(name);
  if (match !== null) {
    const age = createdAt(pod) - Number(match[2]) * MINUTE_MS;
    if (age >= -CLOCKS_MS && age <= LATEST_MS) return { kind: 'CronJob', name: match[1] as string };
  }
  return { kind, name };
}

/** A static pod, by its mirror: the kubelet adds the node's name to that of the manifest. */
function ofNode({ kind, name: node }: OwnerReference, { name }: ObjectMeta): Workload {
  const suffix = `-${node}`;
  return { kind, name: name.endsWith(suffix) && name.length > suffix.length ? name.slice(0, -suffix.length) : name };
}
