import type { TimeSpan } from '../fleet/past.ts';
import { calibrateServices } from '../learning/calibrate.ts';
import { trainingWindows } from '../learning/history/training-windows.ts';
import { windowSize } from '../tensor/tensor.ts';
import type { WindowSource } from '../training/windows.ts';
import { BASELINES } from '../detectors/baselines.ts';
import { SCORER_DEFAULTS } from '../config.ts';
import { debounceOf, firingDelayMs, readAlertTiming } from './alerts.ts';
import { replayRandom, replayRobustZ } from './baselines.ts';
import type { FaultSpan } from './detection.ts';
import type { Evaluation } from './figures.ts';
import type { Replay } from './replay.ts';
import { type BacktestOptions, openSession, type BacktestSession } from './session.ts';

/** More windows than this change a baseline little. */
const MAX_WINDOWS = 8000;

export interface BacktestResult {
  readonly window: TimeSpan;
  readonly training: TimeSpan;
  readonly intervalMs: number;
  /** Cycles in a row above 1 that fire the alert, and how long after the last one's time it fires at most. */
  readonly alert: { readonly cycles: number; readonly firingDelayMs: number };
  readonly services: number;
  readonly faults: readonly FaultSpan[];
  readonly replay: Replay;
  readonly evaluation: Evaluation;
  /** Of each detector beside the autoencoder that could learn, by name. */
  readonly detectors: Readonly<Record<string, Evaluation>>;
  readonly baselines: readonly Baseline[];
}

export interface Baseline {
  /** Its key in report.json. */
  readonly name: string;
  /** Its name in tables. */
  readonly title: string;
  readonly evaluation: Evaluation;
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
    const keys = [...profiles.services.keys()];
    const robustZ = session.judge(replayRobustZ(shape, fleet, pasts, replayed));
    const random = session.judge(replayRandom(keys, replayed, seed));
    return {
      window,
      training,
      intervalMs: config.interval,
      alert: alertOf(options),
      services: profiles.services.size,
      faults,
      replay,
      evaluation: session.judge(replay),
      detectors: await judgeDetectors(session),
      baselines: [
        ...(await judgeBaselines(session)),
        { name: 'robust_z', title: 'robust z-score', evaluation: robustZ },
        { name: 'random', title: 'random', evaluation: random },
      ],
    };
  } finally {
    await session.close();
  }
}

function alertOf({ config, alertTiming = readAlertTiming() }: BacktestOptions): BacktestResult['alert'] {
  const { interval, delay = interval * SCORER_DEFAULTS.delayShare } = config;
  return {
    cycles: debounceOf(alertTiming, interval).of,
    firingDelayMs: firingDelayMs(alertTiming, interval, delay),
  };
}

async function judgeDetectors(session: BacktestSession): Promise<Record<string, Evaluation>> {
  const found: Record<string, Evaluation> = {};
  for (const detector of session.detectors) {
    found[detector.name] = session.judge(await session.replayDetector(detector));
  }
  return found;
}

/** Each baseline in the autoencoder's place, everything else unchanged: fitted to the same windows, calibrated alike. */
async function judgeBaselines(session: BacktestSession): Promise<Baseline[]> {
  const { shape, pasts, profiles } = session;
  const judged: Baseline[] = [];
  const windows = sampled(trainingWindows(shape, pasts), windowSize(shape));
  for (const { name, title, fit } of BASELINES) {
    const model = fit(windows);
    const services = await calibrateServices(shape, pasts, { model, heldOut: true });
    const replay = await session.replay(name, { ...profiles, services }, model);
    judged.push({ name, title, evaluation: session.judge(replay) });
  }
  return judged;
}

function sampled(windows: WindowSource, size: number): Float32Array[] {
  const stride = Math.max(1, Math.ceil(windows.count / MAX_WINDOWS));
  const mask = new Float32Array(size);
  return Array.from({ length: Math.floor(windows.count / stride) }, (_, index) => {
    const window = new Float32Array(size);
    windows.copy(index * stride, window, mask, 0);
    return window;
  });
}
