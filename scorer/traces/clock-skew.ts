import type { Span } from './span.ts';

/**
 * Milliseconds to add to the start of `child` and of what follows from it, so that it lies within `parent`, whose own
 * start has been corrected by `parentShiftMs`.
 *
 * Two hosts' clocks differ by more than a call takes. The two are compared only where a call crosses hosts: a server span
 * below a client span, or below a span of another service. A child that fits stays. One that is shorter is centred in its
 * parent, as if request and response took equally long on the way. One that is longer, because the caller gave up before,
 * is moved no further than to its parent's start. Messages wait in queues: producers and consumers keep their clocks.
 * The rules are those of Jaeger's clock skew adjuster (jaeger/model/adjuster).
 */
export function clockShift(child: Span, parent: Span, parentShiftMs: number): number {
  if (!crossesHosts(child, parent)) return parentShiftMs;
  const earliest = parent.startMs + parentShiftMs;
  const spare = parent.durationMs - child.durationMs;
  if (spare < 0) return Math.max(0, earliest - child.startMs);
  const fits = child.startMs >= earliest && child.startMs <= earliest + spare;
  return fits ? 0 : earliest + spare / 2 - child.startMs;
}

function crossesHosts(child: Span, parent: Span): boolean {
  if (child.kind !== 'server') return false;
  if (parent.kind === 'client') return true;
  if (parent.kind === 'producer') return false;
  const { namespace, service } = child.service;
  return namespace !== parent.service.namespace || service !== parent.service.service;
}
