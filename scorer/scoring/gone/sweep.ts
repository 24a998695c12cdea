import { serviceKey, serviceName } from '../../identity/service-key.ts';

/** Services of a namespace that must be gone together for it to count as removed. */
const MIN_SERVICES = 3;
/** Steps that the removal of a namespace may take: what turns anomalous meanwhile does so because of it. */
const MAX_STEPS = 10;

/** Namespaces of which no service is left. */
export interface SweptNamespaces {
  /** True if the removal of the service's namespace explains what happened to it at `step`. */
  explains(key: string, step: number): boolean;
}

/**
 * Finds the namespaces of which all services vanished within a few steps: whoever removes a namespace ends its services
 * in some order, and the last ones miss the first ones.
 */
export function sweptNamespaces(
  missing: ReadonlyMap<string, { readonly seen: number }>,
  present: ReadonlyMap<string, unknown>,
): SweptNamespaces {
  const seen = new Map<string, number[]>();
  for (const [key, one] of missing) {
    const namespace = namespaceOf(key);
    seen.set(namespace, [...(seen.get(namespace) ?? []), one.seen]);
  }
  const large = [...seen].filter(([, steps]) => steps.length >= MIN_SERVICES);
  const living = new Set(large.length === 0 ? [] : [...present.keys()].map(namespaceOf));
  const began = new Map(
    large.flatMap(([namespace, steps]): [string, number][] => {
      const last = Math.max(...steps);
      const recent = steps.filter((step) => step >= last - MAX_STEPS);
      return living.has(namespace) || recent.length < MIN_SERVICES ? [] : [[namespace, Math.min(...recent)]];
    }),
  );
  return {
    explains: (key, step) => {
      const start = began.get(namespaceOf(key));
      return start !== undefined && step >= start - 1;
    },
  };
}

/** A key of a service's namespace: that of its own cluster. */
function namespaceOf(key: string): string {
  return serviceKey({ ...serviceName(key), service: '' });
}
