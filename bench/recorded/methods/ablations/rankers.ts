import {
  type CallEdge,
  edgeEvidence,
  type Ranker,
  rankEvidence,
  rankRootCauses,
  type Suspect,
} from '../../../../scorer/scoring/ranking/root-cause.ts';

/**
 * Nothing is taken off a service for what its callees explain: every call comes from a caller of its own, to which no
 * service's evidence belongs.
 */
export const nothingHandedDown: Ranker = (suspects, edges, isCandidate) =>
  rankRootCauses(
    suspects,
    edges.map((edge, index) => ({ ...edge, client: `${edge.client} ${index}` })),
    isCandidate,
  );

/** Nothing is known of calls. What each service's own requests suffer stays. */
export const withoutEdges: Ranker = (suspects, _, isCandidate) => rankRootCauses(suspects, [], isCandidate);

/** The evidence of a service's own signals alone. */
export const ownEvidenceAlone: Ranker = (suspects, _, isCandidate = () => true) =>
  rankEvidence(suspects.filter(({ key }) => isCandidate(key)).map(({ key, evidence }) => ({ key, bits: evidence })));

/** The signals of calm services count in full, as those of anomalous ones do. */
export const calmInFull: Ranker = withEvidence(({ evidence, inFull = evidence }) => inFull);

/**
 * The signals of a service that waits for a callee count in full: what the product takes off for the worst call is added. It
 * takes nothing off where only a graph of the calls is known.
 */
export const waitingInFull: Ranker = withEvidence(({ key, evidence }, edges) => {
  const calls = edges.filter(({ client, server, counted }) => counted && client === key && server !== key);
  const waits = calls.map(edgeEvidence);
  return evidence * 2 ** Math.max(0, ...waits);
});

/** What callers suffer alone, without the evidence of a service's own signals. */
export const callersAlone: Ranker = withEvidence(() => 0);

/** The product's ranking of suspects with another evidence of their own. */
function withEvidence(evidenceOf: (suspect: Suspect, edges: readonly CallEdge[]) => number): Ranker {
  return (suspects, edges, isCandidate) =>
    rankRootCauses(
      suspects.map((suspect) => ({ ...suspect, evidence: evidenceOf(suspect, edges) })),
      edges,
      isCandidate,
    );
}
