import { replayInPlace, replayRandom, replayRobustZ } from '../../../scorer/backtest/baselines.ts';
import { pca } from '../../../scorer/detectors/pca.ts';
import type { BaselineDetector } from '../../../scorer/detectors/reconstructor.ts';
import { tailThreshold } from '../../../scorer/scoring/profiles/threshold.ts';
import type { Method } from './method.ts';
import { replayNSigma } from './n-sigma.ts';
import { ownDeviation } from './own-deviation.ts';
import { personalisedWalk } from './personalised-walk.ts';
import { replayProduct, replayRanked } from './product-replay.ts';
import { replayRobustScorer } from './robust-scorer.ts';
import { byWorstEdges } from './worst-edges.ts';

const DAMPING = 0.85;

/** The product first. */
export const METHODS: readonly Method[] = [
  {
    name: 'autoencoder',
    title: 'autoencoder (the product)',
    seeded: true,
    replay: replayProduct,
  },
  {
    name: 'worst_edges',
    title: 'ranked by the worst edges alone',
    seeded: true,
    replay: (session) => replayRanked(session, byWorstEdges),
  },
  inPlaceOfTheModel(ownDeviation),
  inPlaceOfTheModel(pca),
  {
    name: 'robust_z',
    title: 'robust z-score',
    replay: ({ shape, fleet, pasts, replayed }) => replayRobustZ(shape, fleet, pasts, replayed, tailThreshold),
  },
  { name: 'n_sigma', title: 'n-sigma', replay: replayNSigma },
  { name: 'robust_scorer', title: 'RobustScorer (BARO)', detects: false, replay: replayRobustScorer },
  {
    name: 'walk',
    title: 'random walk over the graph',
    seeded: true,
    replay: (session) => replayRanked(session, personalisedWalk(DAMPING)),
  },
  {
    name: 'random',
    title: 'random',
    seeded: true,
    replay: ({ profiles, replayed }, seed) => replayRandom([...profiles.services.keys()], replayed, seed),
  },
];

/** A baseline in the model's place, everything else unchanged. */
function inPlaceOfTheModel(baseline: BaselineDetector): Method {
  const { name, title } = baseline;
  return { name, title, replay: (session) => replayInPlace(session, baseline) };
}
