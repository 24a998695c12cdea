import { rankedByScore } from '../../../../scorer/backtest/baselines.ts';
import type { Ranker } from '../../../../scorer/scoring/ranking/root-cause.ts';
import type { Method } from '../method.ts';
import { replayProduct, replayRanked } from '../product-replay.ts';
import { replayWithoutLoad } from './load.ts';
import {
  callersAlone,
  calmInFull,
  nothingHandedDown,
  ownEvidenceAlone,
  waitingInFull,
  withoutEdges,
} from './rankers.ts';
import { replayWithPercentiles } from './thresholds.ts';
import { replayWithout } from './unlearned.ts';

/** The product without one of its parts each. `worst_edges`, `own_deviation` and `pca` of the other methods belong to them. */
export const ABLATIONS: readonly Method[] = [
  ranked('nothing_handed_down', 'without what callees explain', nothingHandedDown),
  ranked('calm_in_full', 'calm services count in full', calmInFull),
  ranked('waiting_in_full', 'services that wait count in full', waitingInFull),
  ranked('without_edges', 'ranked without edges', withoutEdges),
  ranked('own_evidence', 'ranked by own signals alone', ownEvidenceAlone),
  ranked('callers_alone', 'ranked by callers alone', callersAlone),
  {
    name: 'by_score',
    title: 'ranked by score',
    seeded: true,
    replay: async (session) => rankedByScore((await replayProduct(session)).scores, session.replayed),
  },
  {
    name: 'percentiles',
    title: 'percentiles in place of tails',
    seeded: true,
    replay: replayWithPercentiles,
  },
  {
    name: 'without_recurrence',
    title: 'without recurrence',
    seeded: true,
    replay: (session) => replayWithout(session, ['seasons']),
  },
  {
    name: 'without_levels',
    title: 'without new levels',
    seeded: true,
    replay: (session) => replayWithout(session, ['levels']),
  },
  {
    name: 'without_trends',
    title: 'without slow growth',
    seeded: true,
    replay: (session) => replayWithout(session, ['trends']),
  },
  {
    name: 'without_load',
    title: 'no model, load not taken out',
    replay: (session, _, set) => replayWithoutLoad(session, set),
  },
];

/** The product with another ranking. */
function ranked(name: string, title: string, rank: Ranker): Method {
  return { name, title, seeded: true, replay: (session) => replayRanked(session, rank) };
}
