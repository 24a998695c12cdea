import { replayInPlace, replayRandom, replayRobustZ } from '../../../scorer/backtest/baselines.ts';
import type { Replay } from '../../../scorer/backtest/replay.ts';
import type { BacktestSession } from '../../../scorer/backtest/session.ts';
import { pca } from '../../../scorer/detectors/pca.ts';
import type { BaselineDetector } from '../../../scorer/detectors/reconstructor.ts';
import { tailThreshold } from '../../../scorer/scoring/profiles/threshold.ts';
import { replayNSigma } from './n-sigma.ts';
import { ownDeviation } from './own-deviation.ts';
import { personalisedWalk } from './personalised-walk.ts';
import { replayRobustScorer } from './robust-scorer.ts';
import { byWorstEdges } from './worst-edges.ts';

/** A way to detect faults and rank their causes. */
export interface Method {
  /** Its key in results. */
  readonly name: string;
  /** Its name in tables. */
  readonly title: string;
  /** True if it depends on the seed. */
  readonly seeded?: boolean;
  /** False if it only ranks. Default: true. */
  readonly detects?: boolean;
  readonly replay: (session: BacktestSession, seed: number) => Promise<Replay> | Replay;
}

const DAMPING = 0.85;

/** The product first. */
export const METHODS: readonly Method[] = [
  {
    name: 'autoencoder',
    title: 'autoencoder (the product)',
    seeded: true,
    replay: (session) => session.replay('replay', session.profiles, session.model.autoencoder),
  },
  {
    name: 'worst_edges',
    title: 'ranked by the worst edges alone',
    seeded: true,
    replay: (session) => session.replay('edges', session.profiles, session.model.autoencoder, { rank: byWorstEdges }),
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
    replay: (session) =>
      session.replay('walk', session.profiles, session.model.autoencoder, { rank: personalisedWalk(DAMPING) }),
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
