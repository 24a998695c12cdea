import type { TimeSpan } from '../fleet-history.ts';
import { calibrateServices } from '../learning.ts';
import { trainingWindows } from '../model-training.ts';
import { fitPca, replayRandom, replayRobustZ } from './baselines.ts';
import type { FaultSpan } from './detection.ts';
import { type Evaluation, evaluate } from './figures.ts';
import { type Replay, replayFleet } from './replay.ts';
import { type BacktestOptions, openSession } from './session.ts';

export interface BacktestResult {
  readonly window: TimeSpan;
  readonly training: TimeSpan;
  readonly intervalMs: number;
  readonly services: number;
  readonly faults: readonly FaultSpan[];
  readonly replay: Replay;
  readonly evaluation: Evaluation;
  readonly baselines: Readonly<Record<'pca' | 'robust_z' | 'random', Evaluation>>;
}

/**
 * Learns from the training time as `train` does and replays the rest as `run` does, with the baselines beside it.
 *
 * @throws LearnError, PrometheusError
 */
export async function backtest(options: BacktestOptions): Promise<BacktestResult> {
  const { config, set, window, training, seed = 1, onProgress } = options;
  const session = await openSession(options);
  try {
    const { shape, faults, fleet, learnt, profiles, model, replayed } = session;
    const tell = (phase: string) => ({
      ...replayed,
      onProgress: (share: number) => onProgress?.(phase, share, `${replayed.steps.length} steps`),
    });
    const judge = (replay: Replay) => evaluate(replay, faults, config.interval);
    const replay = await replayFleet(shape, set, fleet, profiles, model.autoencoder, tell('replay'));

    const pca = fitPca(shape, trainingWindows(shape, learnt));
    const calibrated = await calibrateServices(shape, learnt, { model: pca, heldOut: true });
    const pcaProfiles = { ...profiles, services: calibrated };
    return {
      window,
      training,
      intervalMs: config.interval,
      services: profiles.services.size,
      faults,
      replay,
      evaluation: judge(replay),
      baselines: {
        pca: judge(await replayFleet(shape, set, fleet, pcaProfiles, pca, tell('pca'))),
        robust_z: judge(replayRobustZ(shape, fleet, learnt, replayed)),
        random: judge(replayRandom([...profiles.services.keys()], replayed, seed)),
      },
    };
  } finally {
    await session.close();
  }
}
