import { scopeOf } from '../../identity/service-key.ts';
import { type CallEdge, edgeEvidence, type RankedCause } from './root-cause.ts';

/** A call by which trouble came from its server to its client. */
export interface PropagationEdge {
  readonly client: string;
  readonly server: string;
  /** The evidence of the call against its server, bits. */
  readonly bits: number;
}

/** Calls that are told of, in each incident. */
const MAX_EDGES = 20;

/**
 * The way that trouble took in each incident: from the first cause against the direction of the calls, over those that are
 * off, to whoever waits or fails for it. Every service is reached once, by the call with the most evidence into what was
 * reached before, so that the way is a tree with the cause as its root.
 *
 * @returns nearest to the cause first
 */
export function propagation(causes: readonly RankedCause[], edges: readonly CallEdge[]): PropagationEdge[] {
  const first = new Map(causes.filter(({ rank }) => rank === 1).map(({ key }) => [scopeOf(key), key]));
  // A shard has edges in calm cycles, too.
  if (first.size === 0) return [];
  const into = new Map<string, PropagationEdge[]>();
  for (const edge of edges) {
    const { client, server } = edge;
    const bits = client === server ? 0 : edgeEvidence(edge);
    if (!(bits > 0)) continue;
    const known = into.get(server) ?? [];
    into.set(server, known);
    known.push({ client, server, bits });
  }
  return [...first.values()].flatMap((cause) => wayFrom(cause, into));
}

/** Breadth first. */
function wayFrom(cause: string, into: ReadonlyMap<string, readonly PropagationEdge[]>): PropagationEdge[] {
  const way: PropagationEdge[] = [];
  const reached = new Set([cause]);
  let newest = [cause];
  while (newest.length > 0) {
    const strongest = newest.flatMap((server) => into.get(server) ?? []).sort((a, b) => b.bits - a.bits);
    newest = [];
    for (const edge of strongest) {
      if (way.length === MAX_EDGES) return way;
      if (reached.has(edge.client)) continue;
      reached.add(edge.client);
      newest.push(edge.client);
      way.push(edge);
    }
  }
  return way;
}
