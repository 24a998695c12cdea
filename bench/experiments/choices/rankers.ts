import { type Ranker, rankRootCauses, type Suspect } from '../../../scorer/scoring/ranking/root-cause.ts';
import { personalisedWalk } from '../../recorded/methods/personalised-walk.ts';

/** The rankings to compare, all on the same suspects and edges. */
export const RANKERS: Readonly<Record<string, Ranker>> = {
  'evidence (the product)': rankRootCauses,
  'own evidence alone': (suspects) => rankRootCauses(suspects, []),
  'edges alone': (suspects, edges) => rankRootCauses(withoutEvidence(suspects), edges),
  'personalised walk, damping 0.85': personalisedWalk(0.85),
  'personalised walk, damping 0.5': personalisedWalk(0.5),
};

function withoutEvidence(suspects: readonly Suspect[]): Suspect[] {
  return suspects.map(({ key }) => ({ key, evidence: 0 }));
}
