/** A service as the product names it, and since when something of it has been there. */
export interface Identity {
  readonly namespace: string;
  readonly service: string;
  /** What tells it from all others. Made once, as thousands of pods are compared again and again. */
  readonly key: string;
  /** Milliseconds; of what is no pod it is before all pods. */
  readonly createdAt: number;
}

const NO_POD = -1;

export function identityOf(namespace: string, service: string, createdAt: number): Identity {
  return { namespace, service, key: `${namespace}\0${service}`, createdAt };
}

/** The name of a Service of the API for itself: no workload's name has a slash. */
export function ownIdentity(namespace: string, name: string): Identity {
  return identityOf(namespace, `service/${name}`, NO_POD);
}
