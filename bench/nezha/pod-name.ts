/** A Deployment's pod ends with its ReplicaSet's hash and five characters of its own; a StatefulSet's with a number. */
const DEPLOYMENT_POD = /^(.+)-[a-z0-9]{6,10}-[a-z0-9]{5}$/;
const STATEFUL_SET_POD = /^(.+)-\d+$/;

/** The workload that owns a pod, by Kubernetes' rules of naming; the pod's own name where none applies. */
export function workloadOf(pod: string): string {
  return DEPLOYMENT_POD.exec(pod)?.[1] ?? STATEFUL_SET_POD.exec(pod)?.[1] ?? pod;
}
