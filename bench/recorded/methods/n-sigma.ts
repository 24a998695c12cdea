import { rankedByScore } from '../../../scorer/backtest/baselines.ts';
import type { Replay } from '../../../scorer/backtest/replay.ts';
import type { BacktestSession } from '../../../scorer/backtest/session.ts';
import { moments } from '../../../scorer/detectors/sequence/threshold.ts';
import { stepsBetween } from '../../../scorer/fleet/steps.ts';

/** A value further away than this, in standard deviations, is anomalous. */
const SIGMAS = 3;

/** The largest distance of a service's features from their means, in the shortest window; ranked by it. */
export function replayNSigma({ shape, fleet, pasts, replayed }: BacktestSession): Replay {
  const scores = new Map<string, Float64Array>();
  for (const { key, history: learned, from, to } of pasts) {
    const history = fleet.services.get(key);
    if (history === undefined) continue;
    const normal = shape.features.map((_, column) => {
      const values = stepsBetween(from, to).map((step) => learned.get(step, column));
      return moments(values.filter(Number.isFinite));
    });
    const scoreAt = (step: number) =>
      Math.max(
        ...normal.map(({ mean, deviation }, column) => {
          const away = Math.abs(history.get(step, column) - mean) / deviation / SIGMAS;
          return Number.isFinite(away) ? away : 0;
        }),
      );
    scores.set(
      key,
      Float64Array.from(replayed.steps, (step) => (history.observed(step) > 0 ? scoreAt(step) : NaN)),
    );
  }
  return rankedByScore(scores, replayed);
}
