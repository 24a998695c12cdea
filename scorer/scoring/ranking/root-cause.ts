import { scopeOf } from '../../identity/service-key.ts';
import { NORMAL_P99 } from '../../numeric/statistics.ts';
import { type AskedService, burdenEvidence, type CalledEdge } from './burden.ts';

/** A service that may be the root cause. */
export interface Suspect extends AskedService {
  /** Evidence of a fault of its own, bits. */
  readonly evidence: number;
  /** What the evidence would be if its signals counted in full, however calm the service is, bits. */
  readonly inFull?: number | undefined;
}

/** The client's view of an edge, as deviations from the edge's normal; NaN where unknown. */
export interface CallEdge extends CalledEdge {
  /** Positive if slower. */
  readonly latency: number;
  /** Positive if more calls fail. */
  readonly failures: number;
  /** Positive if a larger share of the calls fails. */
  readonly failedShare: number;
  /** Other changes of the callee's responses, such as their size, in either direction. */
  readonly responses: number;
}

/** The evidence against a service. */
export interface Evidence {
  readonly key: string;
  /** Sum of base-2 logarithms; 0 means no evidence. */
  readonly bits: number;
}

export interface RankedCause extends Evidence {
  /** Share of the blame; the shares of an incident sum to 1. */
  readonly blame: number;
  /** 1 is the most probable root cause. */
  readonly rank: number;
}

/** Ranks root causes, most probable first; ranks only services for which `isCandidate` returns true. */
export type Ranker = (
  suspects: readonly Suspect[],
  edges: readonly CallEdge[],
  isCandidate?: (key: string) => boolean,
) => RankedCause[];

/** Weight of edges relative to own signals: a slow call is due to the callee or its callees, a residual to anything. */
const EDGE_WEIGHT = 2;
/** Weight of changed responses, relative to latency: they change downstream of a fault too. */
const RESPONSE_WEIGHT = 0.5;
/** Weight of failed calls, relative to latency. */
const FAILURE_WEIGHT = 1.5;
/** Length of the ranking. */
export const MAX_RANKED = 20;

/**
 * Ranks the root causes of an incident by the evidence against each service, in bits: that of its own signals except
 * traffic, plus that of its callers, less all that its callees explain: the worst edge into it less the worst edge out of it,
 * each bit of which halves what its own signals say.
 * Where requests and their mean time or failed share are known, but calls are not counted, it is the burden on the callers. Measured in
 * docs/adr/scorer/0004-root-cause-by-evidence.md and docs/adr/scorer/0023-requests-times-seconds.md.
 *
 * @param isCandidate true for services to rank; the others still explain the edges of their callers
 * @returns most probable first; empty without suspects and without deviating edges
 */
export function rankRootCauses(
  suspects: readonly Suspect[],
  edges: readonly CallEdge[],
  isCandidate: (key: string) => boolean = () => true,
): RankedCause[] {
  const slower = burdenEvidence(suspects, edges, 'slower');
  const failing = burdenEvidence(suspects, edges, 'failing');
  const [into, outOf] = [new Map<string, number>(), new Map<string, number>()];
  for (const edge of edges) {
    if (edge.client === edge.server) continue;
    const { latency, failedShare } = edge;
    const bits = edgeEvidence({
      ...edge,
      latency: slower.has(edge.server) ? 0 : latency,
      failedShare: failing.has(edge.server) ? 0 : failedShare,
    });
    if (bits <= 0) continue;
    into.set(edge.server, Math.max(into.get(edge.server) ?? 0, bits));
    outOf.set(edge.client, Math.max(outOf.get(edge.client) ?? 0, bits));
  }
  const own = new Map(suspects.map((suspect) => [suspect.key, suspect.evidence]));
  const evidence = [...new Set([...own.keys(), ...into.keys()])].filter(isCandidate).map((key) => {
    const burden = (slower.get(key) ?? 0) + (failing.get(key) ?? 0);
    const waits = outOf.get(key) ?? 0;
    const unexplained = burden + (into.get(key) ?? 0) - waits;
    return { key, bits: (own.get(key) ?? 0) * 2 ** -waits + EDGE_WEIGHT * Math.max(0, unexplained) };
  });
  return rankEvidence(evidence);
}

/** Ranks services by their evidence, most probable first, at most MAX_RANKED: apart for each scope, see `scopeOf`. */
export function rankEvidence(evidence: readonly Evidence[]): RankedCause[] {
  const scopes = new Map<string, Evidence[]>();
  for (const one of evidence) {
    const scope = scopeOf(one.key);
    const known = scopes.get(scope);
    if (known === undefined) scopes.set(scope, [one]);
    else known.push(one);
  }
  return [...scopes.values()].flatMap(rankIncident);
}

function rankIncident(evidence: readonly Evidence[]): RankedCause[] {
  const sorted = [...evidence].sort((a, b) => b.bits - a.bits || (a.key < b.key ? -1 : 1));
  const ranked = sorted.slice(0, MAX_RANKED).map(({ key, bits }) => ({ key, bits, weight: 2 ** bits - 1 }));
  const total = ranked.reduce((sum, { weight }) => sum + weight, 0);
  return ranked.map(({ key, bits, weight }, index) => ({
    key,
    bits,
    blame: total > 0 ? weight / total : 1 / ranked.length,
    rank: index + 1,
  }));
}

/** The evidence of an edge against its callee, bits; 0 for a normal edge. */
export function edgeEvidence(edge: CallEdge): number {
  const failures = Math.max(bitsOf(edge.failures), bitsOf(edge.failedShare));
  return bitsOf(edge.latency) + FAILURE_WEIGHT * failures + RESPONSE_WEIGHT * bitsOf(Math.abs(edge.responses));
}

/** 0 within the normal noise of an edge, logarithmic beyond: ten times slower isn't ten times the evidence. */
function bitsOf(deviations: number): number {
  return deviations > NORMAL_P99 ? Math.log2(deviations / NORMAL_P99) : 0;
}
