import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features.ts';
import type { Reconstructor } from '../calibration.ts';
import type { Fleet } from '../fleet.ts';
import { fetchFleet, type TimeSpan } from '../fleet-history.ts';
import { openKnowledge } from '../knowledge.ts';
import { LearnError } from '../learn-options.ts';
import { type Learnable, learnableServices } from '../learnable.ts';
import { calibrateServices, learn } from '../learning.ts';
import { trainingWindows } from '../model-training.ts';
import type { FleetModel } from '../models.ts';
import type { Profiles } from '../profiles.ts';
import type { PrometheusClient } from '../prometheus.ts';
import type { TensorShape } from '../tensor.ts';
import { fitPca, replayRandom, replayRobustZ } from './baselines.ts';
import { type Evaluation, evaluate, graceMs } from './figures.ts';
import { faultSpans, type FaultSpan } from './detection.ts';
import type { Fault } from './labels.ts';
import { type Replay, type ReplayOptions, replayFleet } from './replay.ts';

export interface BacktestOptions {
  /** What `run` would be given; nothing is kept in its state folder. */
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly client: PrometheusClient;
  /** The history to replay. */
  readonly window: TimeSpan;
  /** The part of it, or time before, that is learned from; faults in it are left out and replayed. */
  readonly training: TimeSpan;
  readonly faults: readonly Fault[];
  readonly seed?: number;
  readonly epochs?: number;
  readonly onProgress?: (phase: string, share: number, detail: string) => void;
}

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

/** What was learned from the training time, and the rest of the history to try it on. */
export interface Trial {
  readonly shape: TensorShape;
  readonly fleet: Fleet;
  /** The services with the time that they were learned from. */
  readonly learnt: readonly Learnable[];
  readonly model: FleetModel;
  readonly profiles: Profiles;
  readonly faults: readonly FaultSpan[];
  readonly replayed: ReplayOptions;
  /** Replays with a model and the profiles that were calibrated with it; `phase` is what progress is told of. */
  readonly replay: (phase: string, profiles: Profiles, model: Reconstructor) => Promise<Replay>;
  readonly judge: (replay: Replay) => Evaluation;
}

/**
 * Learns from the training time as `train` does, in a state folder of its own, and has `run` try it on the rest.
 *
 * @throws LearnError, PrometheusError
 */
export async function tryOut<T>(options: BacktestOptions, run: (trial: Trial) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-backtest-'));
  try {
    return await runIn({ ...options, config: { ...options.config, state_dir: folder } }, run);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runIn<T>(options: BacktestOptions, run: (trial: Trial) => Promise<T>): Promise<T> {
  const { config, set, client, window, training, seed = 1, onProgress } = options;
  const shape: TensorShape = { features: set.features, steps: config.steps };
  const faults = faultSpans(options.faults, config.interval, graceMs(set.windows.at(-1) ?? 0, config.interval));
  const learning = {
    config,
    set,
    client,
    ...training,
    exclude: faults.map(({ startMs, last }) => ({ fromMs: startMs - config.interval, toMs: last * config.interval })),
  };
  await learn({
    ...learning,
    all: true,
    seed,
    ...(options.epochs !== undefined && { epochs: options.epochs }),
    ...(onProgress !== undefined && {
      onProgress: ({ phase, share, detail }) => onProgress(phase, share, detail),
    }),
  });
  const { model, profiles } = await openKnowledge(config, set);
  if (model === undefined || profiles === undefined) throw new LearnError('what was learned does not fit');

  try {
    const fleet = await fetchFleet({ config, set, client, ...before(window, config) });
    const replayed: ReplayOptions = {
      steps: stepsToReplay(window, training, faults, config.interval),
      wantRanking: (step) => faults.some(({ first, last }) => step >= first && step <= last),
    };
    return await run({
      shape,
      fleet,
      learnt: learnableServices(await fetchFleet(learning), config, training.toMs),
      model,
      profiles,
      faults,
      replayed,
      replay: (phase, of, by) =>
        replayFleet(shape, set, fleet, of, by, {
          ...replayed,
          onProgress: (share) => onProgress?.(phase, share, `${replayed.steps.length} steps`),
        }),
      judge: (replay) => evaluate(replay, faults, config.interval),
    });
  } finally {
    await model.autoencoder.close();
  }
}

/**
 * Learns from the training time as `train` does and replays the rest as `run` does, with the baselines beside it.
 *
 * @throws LearnError, PrometheusError
 */
export async function backtest(options: BacktestOptions): Promise<BacktestResult> {
  const { config, window, training, seed = 1 } = options;
  return await tryOut(options, async ({ shape, fleet, learnt, model, profiles, faults, replayed, replay, judge }) => {
    const own = await replay('replay', profiles, model.autoencoder);
    const pca = fitPca(shape, trainingWindows(shape, learnt));
    const calibrated = await calibrateServices(shape, learnt, { model: pca, heldOut: true });
    return {
      window,
      training,
      intervalMs: config.interval,
      services: profiles.services.size,
      faults,
      replay: own,
      evaluation: judge(own),
      baselines: {
        pca: judge(await replay('pca', { ...profiles, services: calibrated }, pca)),
        robust_z: judge(replayRobustZ(shape, fleet, learnt, replayed)),
        random: judge(replayRandom([...profiles.services.keys()], replayed, seed)),
      },
    };
  });
}

/** The window and the history before it that its first steps look back on. */
function before(window: TimeSpan, config: ScorerConfig): TimeSpan {
  return { fromMs: window.fromMs - (config.steps.at(-1) ?? 0) * config.interval, toMs: window.toMs };
}

/** Every step of the window that wasn't learned from. */
function stepsToReplay(
  window: TimeSpan,
  training: TimeSpan,
  faults: readonly FaultSpan[],
  intervalMs: number,
): number[] {
  const first = Math.ceil(window.fromMs / intervalMs);
  const count = Math.max(0, Math.floor(window.toMs / intervalMs) - first + 1);
  const learnedFrom = (step: number) =>
    step * intervalMs >= training.fromMs &&
    step * intervalMs <= training.toMs &&
    !faults.some((fault) => step >= fault.first - 1 && step <= fault.last);
  return Array.from({ length: count }, (_, index) => first + index).filter((step) => !learnedFrom(step));
}
