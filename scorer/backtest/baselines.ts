import { learnScalings } from '../scoring/profiles/scalings.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ServicePast } from '../learning/history/clean.ts';
import { deviation } from '../tensor/scaling.ts';
import { meanOfLargest, quantile } from '../numeric/statistics.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import { Random } from '../numeric/random.ts';
import type { Replay, ReplayOptions } from './replay.ts';

/** Quantile of fault-free scores that is the threshold of the robust z-score and of random scores. */
const THRESHOLD_QUANTILE = 0.997;
/** Number of largest deviations that make the robust z-score. */
const SCORED_FEATURES = 2;

/** Robust z-scores: the mean of the two largest deviations from the median in the shortest window. Ranked by score. */
export function replayRobustZ(
  shape: TensorShape,
  fleet: Fleet,
  services: readonly ServicePast[],
  options: ReplayOptions,
): Replay {
  const scores = new Map<string, Float64Array>();
  for (const { key, history: learned, from, to } of services) {
    const history = fleet.services.get(key);
    if (history === undefined) continue;
    const scalings = learnScalings(shape.features, shape.features.length, learned, from, to);
    const rawScore = (of: typeof history, step: number) =>
      meanOfLargest(
        shape.features.map((feature, column) => {
          const scaling = scalings[column];
          return scaling === undefined ? NaN : Math.abs(deviation(feature, of.get(step, column), scaling));
        }),
        SCORED_FEATURES,
      );
    const normal = Array.from({ length: to - from + 1 }, (_, index) => rawScore(learned, from + index));
    const threshold = quantile(normal, THRESHOLD_QUANTILE);
    scores.set(
      key,
      Float64Array.from(options.steps, (step) => rawScore(history, step) / threshold),
    );
  }
  return rankedByScore(scores, options);
}

/** Uniformly random scores that exceed 1 as often as those of the other detectors in fault-free time. */
export function replayRandom(keys: readonly string[], options: ReplayOptions, seed: number): Replay {
  const random = new Random(seed);
  const draw = () => Float64Array.from(options.steps, () => random.uniform() / THRESHOLD_QUANTILE);
  return rankedByScore(new Map(keys.map((key) => [key, draw()])), options);
}

function rankedByScore(scores: ReadonlyMap<string, Float64Array>, { steps, wantRanking }: ReplayOptions): Replay {
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
