import type { EventSequence, TraceEvent } from '../events/events.ts';
import { type Deviation, DEVIATION_KINDS, type DeviationKind } from './deviations.ts';
import { visitOf } from '../events/family.ts';

/** What the traces of a time say of one service. */
export interface ServiceEvidence {
  /** Traces in which it handled a request. */
  traces: number;
  /**
   * By kind, traces with a deviation of the service, each counted by the share of the service's requests in it that
   * deviate: the requests of one trace aren't independent of each other.
   */
  readonly deviating: Record<DeviationKind, number>;
  /** The unexpected events, by kind, event and expected event. */
  readonly events: Map<string, UnexpectedEvent>;
}

export interface UnexpectedEvent {
  readonly kind: DeviationKind;
  readonly event: string;
  readonly expected: string;
  /** Traces, counted as in `deviating`. */
  traces: number;
}

/** Different unexpected events of one service that are held. */
const MAX_EVENTS = 500;

/** By the key of the service. */
export type Evidence = Map<string, ServiceEvidence>;

/** Adds the deviations of a trace. @param isKnown which services are judged: a peer without spans isn't */
export function addTrace(
  evidence: Evidence,
  { events }: EventSequence,
  deviations: readonly Deviation[],
  weight: number,
  isKnown: (service: string) => boolean,
): void {
  const requests = new Map<string, number>();
  for (const { entry, representative } of events) {
    if (!entry) continue;
    const { destination } = representative;
    requests.set(destination, (requests.get(destination) ?? 0) + 1);
  }
  for (const service of requests.keys()) serviceIn(evidence, service).traces += weight;
  const counted = new Set<string>();
  for (const deviation of deviations) {
    const at = accountable(events, deviation.at, isKnown);
    if (at === undefined) continue;
    const visit = visitOf(events, at);
    const service = events[visit]!.representative.destination;
    const share = weight / (requests.get(service) ?? 1);
    const { kind, event, expected } = deviation;
    const of = serviceIn(evidence, service);
    if (!counted.has(`${visit} ${kind}`)) of.deviating[kind] += share;
    counted.add(`${visit} ${kind}`);
    const key = JSON.stringify([kind, event, expected]);
    const known = of.events.get(key);
    if (known !== undefined) known.traces += share;
    else if (of.events.size < MAX_EVENTS) of.events.set(key, { kind, event, expected, traces: share });
  }
}

/** The event whose destination is judged: a peer that sends no spans is its caller's business. */
function accountable(
  events: readonly TraceEvent[],
  at: number,
  isKnown: (service: string) => boolean,
): number | undefined {
  let place = Math.max(0, at);
  while (place !== -1 && !isKnown(events[place]!.representative.destination)) place = events[place]!.parent;
  return place === -1 ? undefined : place;
}

function serviceIn(evidence: Evidence, service: string): ServiceEvidence {
  let of = evidence.get(service);
  if (of === undefined) {
    const deviating = Object.fromEntries(DEVIATION_KINDS.map((kind) => [kind, 0])) as Record<DeviationKind, number>;
    evidence.set(service, (of = { traces: 0, deviating, events: new Map() }));
  }
  return of;
}

/**
 * How much more often `count` of `of` is than the share of fault-free time, in standard deviations: the signed root of twice
 * the binomial log-likelihood ratio (McCullagh and Nelder, Generalized Linear Models, 4.4.3). 0 where it isn't more. One of
 * ten thousand is little, and so is one of two.
 */
export function surplus(count: number, of: number, share: number): number {
  const found = count / of;
  if (!(found > share)) return 0;
  const others = of - count;
  const ratio = count * Math.log(found / share) + (others > 0 ? others * Math.log((1 - found) / (1 - share)) : 0);
  return Math.sqrt(2 * Math.max(0, ratio));
}
