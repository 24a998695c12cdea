import type { StepScore } from '../scoring/profiles/threshold.ts';
import { learnScalings } from '../scoring/profiles/scalings.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { stepsBetween } from '../fleet/steps.ts';
import type { ServicePast } from '../learning/history/clean.ts';
import { deviation } from '../tensor/scaling.ts';
import { meanOfLargest, quantile } from '../numeric/statistics.ts';
import { type TensorShape, windowSize } from '../tensor/tensor.ts';
import type { BaselineDetector } from '../detectors/reconstructor.ts';
import { calibrateServices } from '../learning/calibrate.ts';
import { trainingWindows } from '../learning/history/training-windows.ts';
import type { WindowSource } from '../training/windows.ts';
import type { BacktestSession } from './session.ts';
import { Random } from '../numeric/random.ts';
import type { Replay, ReplayOptions } from './replay.ts';

/** Quantile of fault-free scores that is the threshold of the robust z-score and of random scores. */
const THRESHOLD_QUANTILE = 0.997;
/** Number of largest deviations that make the robust z-score. */
const SCORED_FEATURES = 2;

/** More windows than this change a baseline little. */
const MAX_WINDOWS = 8000;

/** Replays a baseline in the autoencoder's place, everything else unchanged: fitted to the same windows, calibrated alike. */
export async function replayInPlace(
  session: BacktestSession,
  { name, fit }: BaselineDetector,
  signal?: AbortSignal,
): Promise<Replay> {
  const { shape, pasts, profiles } = session;
  const model = await fit(sampled(trainingWindows(shape, pasts), windowSize(shape)), signal);
  const services = await calibrateServices(shape, pasts, { model, heldOut: true });
  return await session.replay(name, { ...profiles, services }, model);
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

/**
 * Robust z-scores: the mean of the two largest deviations from the median in the shortest window. Ranked by score.
 *
 * @param thresholdOf of the scores of the steps that were learned from. Default: their 99.7th percentile
 */
export function replayRobustZ(
  shape: TensorShape,
  fleet: Fleet,
  services: readonly ServicePast[],
  options: ReplayOptions,
  thresholdOf: (normal: readonly StepScore[]) => number = highest,
): Replay {
  const scores = new Map<string, Float64Array>();
  for (const { key, history: learned, from, to } of services) {
    const history = fleet.services.get(key);
    if (history === undefined) continue;
    const scalings = learnScalings(shape.features, shape.features.length, learned, from, to, shape);
    const rawScore = (of: typeof history, step: number) =>
      meanOfLargest(
        shape.features.map((feature, column) => {
          const scaling = scalings[column];
          return scaling === undefined ? NaN : Math.abs(deviation(feature, of.get(step, column), scaling));
        }),
        SCORED_FEATURES,
      );
    const normal = stepsBetween(from, to).map((step) => ({ step, rawScore: rawScore(learned, step) }));
    const threshold = thresholdOf(normal);
    scores.set(
      key,
      Float64Array.from(options.steps, (step) => rawScore(history, step) / threshold),
    );
  }
  return rankedByScore(scores, options);
}

function highest(normal: readonly StepScore[]): number {
  return quantile(
    normal.map(({ rawScore }) => rawScore),
    THRESHOLD_QUANTILE,
  );
}

/** Uniformly random scores that exceed 1 as often as those of the other detectors in fault-free time. */
export function replayRandom(keys: readonly string[], options: ReplayOptions, seed: number): Replay {
  const random = new Random(seed);
  const draw = () => Float64Array.from(options.steps, () => random.uniform() / THRESHOLD_QUANTILE);
  return rankedByScore(new Map(keys.map((key) => [key, draw()])), options);
}

/** A replay whose rankings are the order of its scores. */
export function rankedByScore(
  scores: ReadonlyMap<string, Float64Array>,
  { steps, wantRanking }: ReplayOptions,
): Replay {
  const rankings = new Map<number, readonly string[]>();
  for (const [index, step] of steps.entries()) {
    if (!wantRanking(step)) continue;
    const at = [...scores].map(([key, values]) => ({ key, score: values[index] ?? NaN }));
    const scored = at.filter(({ score }) => Number.isFinite(score));
    rankings.set(
      step,
      scored.sort((a, b) => b.score - a.score).map(({ key }) => key),
    );
  }
  return { steps, scores, rankings };
}
