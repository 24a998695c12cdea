/**
 * Names of a Deployment's pods end with the ReplicaSet's hash and five characters; those of a StatefulSet with a
 * number.
 */
const DEPLOYMENT_POD = /^(.+)-[a-z0-9]{6,10}-[a-z0-9]{5}$/;
const STATEFUL_SET_POD = /^(.+)-\d+$/;

/** The workload of a pod by Kubernetes' naming rules; the pod's name if none applies. */
export function workloadOf(pod: string): string {
  return DEPLOYMENT_POD.exec(pod)?.[1] ?? STATEFUL_SET_POD.exec(pod)?.[1] ?? pod;
}
