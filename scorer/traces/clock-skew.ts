import { isSameService } from '../identity/service-key.ts';
import type { Span } from './span.ts';

/**
 * Milliseconds to add to the start of `child` and of all spans below it, so that it lies within `parent`, whose own
 * start was corrected by `parentShiftMs`.
 *
 * Clocks of two hosts can differ by more than a call takes. They are compared only where a call crosses hosts: a server
 * span below a client span, or below a span of another service. A child that fits stays. A shorter one is centred in
 * its parent, as if request and response took equally long on the network. A longer one, whose caller gave up, is moved
 * to its parent's start at most. Messages wait in queues, so producers and consumers keep their clocks. The rules are
 * those of Jaeger's clock skew adjuster (jaeger/model/adjuster).
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
  return !isSameService(child.service, parent.service);
}
