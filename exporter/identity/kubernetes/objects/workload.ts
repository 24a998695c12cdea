import { createdAt, type ObjectMeta, type OwnerReference } from '../api/metadata.ts';

/** The workload of a pod. */
export interface Workload {
  /** Kind of the outermost known owner, such as `Deployment`. */
  readonly kind: string;
  readonly name: string;
}

/** Label with the hash in the name of a ReplicaSet, `<name>-<hash>` -> kind of its controller. */
const HASH_LABELS = [
  ['pod-template-hash', 'Deployment'],
  ['rollouts-pod-template-hash', 'Rollout'],
] as const;

/**
 * The workload that owns a pod, derived from the pod's own metadata. This avoids a watch of ReplicaSets and Jobs, whose
 * objects change with every pod.
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
/** Maximum delay of a Job's creation plus maximum time in which it creates pods, in milliseconds. */
const MAX_JOB_AGE_MS = 7 * 24 * 60 * MINUTE_MS;
/** Maximum difference between the clocks of two machines, in milliseconds. */
const MAX_CLOCK_SKEW_MS = 2 * MINUTE_MS;

/**
 * The CronJob controller names a Job `<name>-<minutes from 1970 to the scheduled time>` (since Kubernetes 1.21,
 * getJobName in pkg/controller/cronjob/utils.go). A number that is not a time shortly before the pod's creation has
 * another meaning, such as the date in `migrate-20240131`.
 */
function ofJob({ kind, name }: OwnerReference, pod: ObjectMeta): Workload {
  const match = /^(.+)-(\d{8,9})$/.exec(name);
  if (match !== null) {
    const age = createdAt(pod) - Number(match[2]) * MINUTE_MS;
    if (age >= -MAX_CLOCK_SKEW_MS && age <= MAX_JOB_AGE_MS) return { kind: 'CronJob', name: match[1] as string };
  }
  return { kind, name };
}

/** A static pod, by its mirror pod: the kubelet appends the node's name to that of the manifest. */
function ofNode({ kind, name: node }: OwnerReference, { name }: ObjectMeta): Workload {
  const suffix = `-${node}`;
  return { kind, name: name.endsWith(suffix) && name.length > suffix.length ? name.slice(0, -suffix.length) : name };
}
