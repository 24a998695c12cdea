import type { TimeSpan } from '../fleet/past.ts';
import { BASELINES } from '../detectors/baselines.ts';
import { SCORER_DEFAULTS } from '../config.ts';
import { debounceOf, firingDelayMs, readAlertTiming } from './alerts.ts';
import { replayInPlace, replayRandom, replayRobustZ } from './baselines.ts';
import type { Alarms } from './alarms.ts';
import type { FaultSpan } from './detection.ts';
import type { Evaluation } from './figures.ts';
import type { Replay } from './replay.ts';
import { type BacktestOptions, openSession, type BacktestSession } from './session.ts';

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
  readonly alarms: Alarms;
  /** Of each detector beside the autoencoder that could learn, by name. */
  readonly detectors: Readonly<Record<string, DetectorResult>>;
  /** None without faults: what they would be compared by cannot be measured then. */
  readonly baselines: readonly Baseline[];
}

export interface DetectorResult {
  readonly evaluation: Evaluation;
  readonly alarms: Alarms;
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
 * @throws NothingToLearnError, PrometheusError; the reason of `signal` if it aborts
 */
export async function backtest(options: BacktestOptions): Promise<BacktestResult> {
  const { config, window, training, seed = 1, signal } = options;
  const session = await openSession(options);
  try {
    const { faults, profiles, model } = session;
    const replay = await session.replay('replay', profiles, model.autoencoder);
    return {
      window,
      training,
      intervalMs: config.interval,
      alert: alertOf(options),
      services: profiles.services.size,
      faults,
      replay,
      evaluation: session.judge(replay),
      alarms: session.alarms(replay),
      detectors: await judgeDetectors(session),
      baselines: faults.length === 0 ? [] : await judgeBaselines(session, seed, signal),
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

async function judgeDetectors(session: BacktestSession): Promise<Record<string, DetectorResult>> {
  const found: Record<string, DetectorResult> = {};
  for (const detector of session.detectors) {
    const replay = await session.replayDetector(detector);
    found[detector.name] = { evaluation: session.judge(replay), alarms: session.alarms(replay) };
  }
  return found;
}

/** Each baseline in the autoencoder's place, then the robust z-score and random scores. */
async function judgeBaselines(
  session: BacktestSession,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<Baseline[]> {
  const { shape, fleet, pasts, profiles, replayed } = session;
  const judged: Baseline[] = [];
  for (const baseline of BASELINES) {
    const { name, title } = baseline;
    judged.push({ name, title, evaluation: session.judge(await replayInPlace(session, baseline, signal)) });
  }
  const robustZ = session.judge(replayRobustZ(shape, fleet, pasts, replayed));
  const random = session.judge(replayRandom([...profiles.services.keys()], replayed, seed));
  return [
    ...judged,
    { name: 'robust_z', title: 'robust z-score', evaluation: robustZ },
    { name: 'random', title: 'random', evaluation: random },
  ];
}
