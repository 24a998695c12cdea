import { type Replay, replayFleet } from '../../../../scorer/backtest/replay.ts';
import type { BacktestSession } from '../../../../scorer/backtest/session.ts';
import type { FeatureSet } from '../../../../scorer/features/features.ts';
import { calibrateServices } from '../../../../scorer/learning/calibrate.ts';
import { ownDeviation } from '../own-deviation.ts';

/**
 * No model, and nothing is taken out of what the load explains: no feature is the load. Without the load nothing is known of
 * requests either, so that it ranks by the worst edges.
 */
export async function replayWithoutLoad(session: BacktestSession, set: FeatureSet): Promise<Replay> {
  const features = session.shape.features.map((feature) => ({ ...feature, load: false }));
  const shape = { ...session.shape, features };
  const model = await ownDeviation.fit([]);
  const services = await calibrateServices(shape, session.pasts, { model, heldOut: true });
  const profiles = { ...session.profiles, services };
  return await replayFleet(shape, { ...set, features }, session.fleet, profiles, model, session.replayed);
}
