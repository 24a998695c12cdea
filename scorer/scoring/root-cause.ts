import { NORMAL_P99 } from '../numeric/statistics.ts';

/** A service in the present incident. */
export interface Suspect {
  readonly key: string;
  /** Evidence of trouble of its own, bits. */
  readonly evidence: number;
}

/** What a caller sees of a callee, in deviations from the edge's normal; NaN where unknown. */
export interface CallEdge {
  readonly client: string;
  readonly server: string;
  /** Slower is positive. */
  readonly latency: number;
  /** More failures are positive. */
  readonly failures: number;
  /** Other answers than usual, either way. */
  readonly answers: number;
}

/** What speaks against a service. */
export interface Evidence {
  readonly key: string;
  /** A sum of logarithms of base 2; 0 is nothing. */
  readonly bits: number;
}

export interface RankedCause extends Evidence {
  /** Share of the blame, all sum to 1. */
  readonly blame: number;
  /** 1 = most probable. */
  readonly rank: number;
}

/** Suspects and edges in, most probable causes first. */
export type Ranker = (
  suspects: readonly Suspect[],
  edges: readonly CallEdge[],
  judges?: (key: string) => boolean,
) => RankedCause[];

/** What callers see counts double: a residual may have many reasons, a slow call has its callee or what the callee calls. */
const EDGE_WEIGHT = 2;
/** Share of a service's callees' trouble that is taken off its own callers' complaints: it explains them. */
const EXPLAINED_SHARE = 0.5;
/** Weight of changed answers beside latency and failures: they change downstream of trouble too. */
const ANSWER_WEIGHT = 0.5;
const FAILURE_WEIGHT = 1.5;
/** Nobody looks further down. */
export const MAX_RANKED = 20;

/**
 * Ranks who started the incident by the evidence against each service, a sum of logarithms: how far its own signals but for
 * traffic are off, and how far the worst edge into it is off, less what the worst edge out of it explains.
 * Compared with walks over the graph in docs/adr/0004-root-cause-by-evidence.md.
 *
 * @param judges whether a service is to be ranked; one that isn't still explains others
 * @returns most probable first; empty without suspects and troubled edges
 */
export function rankRootCauses(
  suspects: readonly Suspect[],
  edges: readonly CallEdge[],
  judges: (key: string) => boolean = () => true,
): RankedCause[] {
  const [into, outOf] = [new Map<string, number>(), new Map<string, number>()];
  for (const edge of edges) {
    const trouble = edgeTrouble(edge);
    if (trouble <= 0 || edge.client === edge.server) continue;
    into.set(edge.server, Math.max(into.get(edge.server) ?? 0, trouble));
    outOf.set(edge.client, Math.max(outOf.get(edge.client) ?? 0, trouble));
  }
  const own = new Map(suspects.map((suspect) => [suspect.key, suspect.evidence]));
  const evidence = [...new Set([...own.keys(), ...into.keys()])].filter(judges).map((key) => {
    const complaints = (into.get(key) ?? 0) - EXPLAINED_SHARE * (outOf.get(key) ?? 0);
    return { key, bits: (own.get(key) ?? 0) + EDGE_WEIGHT * Math.max(0, complaints) };
  });
  return rankEvidence(evidence);
}

/** The most suspect services, most probable first. */
export function rankEvidence(evidence: readonly Evidence[]): RankedCause[] {
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

/** How much an edge points at its callee, a logarithm; 0 for an edge as usual. */
export function edgeTrouble(edge: CallEdge): number {
  return (
    loudness(edge.latency) + FAILURE_WEIGHT * loudness(edge.failures) + ANSWER_WEIGHT * loudness(Math.abs(edge.answers))
  );
}

/** 0 up to the everyday noise of an edge, then growing with the logarithm: ten times slower isn't ten times the evidence. */
function loudness(deviations: number): number {
  return deviations > NORMAL_P99 ? Math.log2(deviations / NORMAL_P99) : 0;
}
