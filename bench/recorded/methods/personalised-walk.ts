import { type CallEdge, edgeEvidence, type Ranker } from '../../../scorer/scoring/ranking/root-cause.ts';

const ITERATIONS = 100;
/** Weight of staying at a service, relative to its deviating edges. */
const SELF_WEIGHT = 0.2;

/**
 * PageRank from callers to callees, with edges weighted by their evidence and restarts by that of the services
 * themselves, as MicroRCA ranks (Wu et al., NOMS 2020).
 */
export function personalisedWalk(damping: number): Ranker {
  return (suspects, edges) => {
    const restart = new Map(suspects.map(({ key, evidence }) => [key, 2 ** evidence - 1]));
    const keys = [...new Set([...restart.keys(), ...edges.map(({ server }) => server)])];
    const total = [...restart.values()].reduce((sum, weight) => sum + weight, 0) || 1;
    const home = new Map(keys.map((key) => [key, (restart.get(key) ?? 0) / total]));
    const out = outgoing(keys, edges);
    let rank = home;
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      const next = new Map(keys.map((key) => [key, (1 - damping) * (home.get(key) ?? 0)]));
      for (const key of keys) {
        for (const { to, share } of out.get(key) ?? []) {
          next.set(to, (next.get(to) ?? 0) + damping * share * (rank.get(key) ?? 0));
        }
      }
      rank = next;
    }
    return [...rank]
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .map(([key, blame], index) => ({ key, bits: Math.log2(1 + blame), blame, rank: index + 1 }));
  };
}

function outgoing(keys: readonly string[], edges: readonly CallEdge[]): Map<string, { to: string; share: number }[]> {
  return new Map(
    keys.map((key) => {
      const passes = [
        { to: key, weight: SELF_WEIGHT },
        ...edges
          .filter(({ client, server }) => client === key && server !== key)
          .map((edge) => ({ to: edge.server, weight: edgeEvidence(edge) })),
      ];
      const total = passes.reduce((sum, { weight }) => sum + weight, 0);
      return [key, passes.map(({ to, weight }) => ({ to, share: weight / total }))] as const;
    }),
  );
}
