/** A service by namespace and name, and the age of its instance. */
export interface Identity {
  readonly namespace: string;
  readonly service: string;
  /** Unique key. Made once, because thousands of pods are compared often. */
  readonly key: string;
  /** Creation time in milliseconds; for anything but a pod it is before all pods. */
  readonly createdAt: number;
  /** True while the workload behind a new Service is expected to become known. */
  readonly pending?: boolean | undefined;
}

const NO_POD = -1;

export function identityOf(namespace: string, service: string, createdAt: number): Identity {
  return { namespace, service, key: `${namespace}\0${service}`, createdAt };
}

/** The identity of a Kubernetes Service itself: no workload's name has a slash. */
export function ownIdentity(namespace: string, name: string): Identity {
  return identityOf(namespace, `service/${name}`, NO_POD);
}
