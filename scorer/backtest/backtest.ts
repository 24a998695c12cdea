import type { TimeSpan } from '../fleet/past.ts';
import { calibrateServices } from '../learning/calibrate.ts';
import { trainingWindows } from '../learning/training-windows.ts';
import { fitPca, replayRandom, replayRobustZ } from './baselines.ts';
import type { FaultSpan } from './detection.ts';
import type { Evaluation } from './figures.ts';
import type { Replay } from './replay.ts';
import { type BacktestOptions, type BacktestSession, openSession } from './session.ts';

export interface BacktestResult {
  readonly window: TimeSpan;
  readonly training: TimeSpan;
  readonly intervalMs: number;
  readonly services: number;
  readonly faults: readonly FaultSpan[];
  readonly replay: Replay;
  readonly evaluation: Evaluation;
  /** Of each detector beside the autoencoder that could learn, by name. */
  readonly detectors: Readonly<Record<string, Evaluation>>;
  readonly baselines: Readonly<Record<'pca' | 'robust_z' | 'random', Evaluation>>;
}

/**
 * Learns from the training span like `train`, replays the rest like `run`, and evaluates the scores and the baselines.
 *
 * @throws NothingToLearnError, PrometheusError
 */
export async function backtest(options: BacktestOptions): Promise<BacktestResult> {
  const { config, window, training, seed = 1 } = options;
  const session = await openSession(options);
  try {
    const { shape, faults, fleet, pasts, profiles, model, replayed } = session;
    const replay = await session.replay('replay', profiles, model.autoencoder);
    const pca = fitPca(shape, trainingWindows(shape, pasts));
    const calibrated = await calibrateServices(shape, pasts, { model: pca, heldOut: true });
    return {
      window,
      training,
      intervalMs: config.interval,
      services: profiles.services.size,
      faults,
      replay,
      evaluation: session.judge(replay),
      detectors: await judgeDetectors(session),
      baselines: {
        pca: session.judge(await session.replay('pca', { ...profiles, services: calibrated }, pca)),
        robust_z: session.judge(replayRobustZ(shape, fleet, pasts, replayed)),
        random: session.judge(replayRandom([...profiles.services.keys()], replayed, seed)),
      },
    };
  } finally {
    await session.close();
  }
}

async function judgeDetectors(session: BacktestSession): Promise<Record<string, Evaluation>> {
  const found: Record<string, Evaluation> = {};
  for (const detector of session.detectors) {
    found[detector.name] = session.judge(await session.replayDetector(detector));
  }
  return found;
}
