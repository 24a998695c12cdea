import { type Ranker, rankRootCauses } from '../../../scorer/scoring/ranking/root-cause.ts';

/** The product's ranking where nothing is known of requests. */
export const byWorstEdges: Ranker = (suspects, edges, isCandidate) =>
  rankRootCauses(
    suspects.map(({ key, evidence }) => ({ key, evidence })),
    edges,
    isCandidate,
  );
