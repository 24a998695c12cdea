import type { Replay } from '../../../scorer/backtest/replay.ts';
import type { BacktestSession } from '../../../scorer/backtest/session.ts';
import type { FaultSpan } from '../../../scorer/backtest/detection.ts';
import type { History } from '../../../scorer/fleet/history.ts';
import { stepsBetween } from '../../../scorer/fleet/steps.ts';
import { quantileSorted, sortedFinite } from '../../../scorer/numeric/statistics.ts';

/** Fault-free steps before a fault that its metrics are compared with. */
const NORMAL_STEPS = 60;
/** With fewer of them, those that were learned from are taken. */
const MIN_NORMAL_STEPS = 10;

/**
 * RobustScorer of BARO (Pham et al., FSE 2024): each metric's largest distance since the fault's start from the median
 * before it, in interquartile ranges; a service has that of its worst metric. It ranks at a known time and detects nothing.
 */
export function replayRobustScorer({ shape, fleet, pasts, replayed, faults }: BacktestSession): Replay {
  const rankings = new Map<number, readonly string[]>();
  const isFree = (step: number) => !faults.some(({ first, last }) => step >= first && step <= last);
  for (const fault of faults) {
    const metrics = pasts.flatMap(({ key, history: learned, from, to }) => {
      const history = fleet.services.get(key);
      if (history === undefined) return [];
      const before = freeBefore(history, fault, isFree);
      const [source, steps] =
        before.length < MIN_NORMAL_STEPS ? ([learned, stepsBetween(from, to)] as const) : ([history, before] as const);
      return shape.features.map((_, column) => {
        const sorted = sortedFinite(steps.map((step) => source.get(step, column)));
        const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantileSorted(sorted, share)) as [
          number,
          number,
          number,
        ];
        // As scikit-learn's RobustScaler: a range of 0 divides by 1.
        return { key, history, column, middle, range: high - low || 1, worst: 0 };
      });
    });
    for (let step = fault.first; step <= fault.last; step++) {
      for (const metric of metrics) {
        const away = Math.abs(metric.history.get(step, metric.column) - metric.middle) / metric.range;
        if (away > metric.worst) metric.worst = away;
      }
      const worst = new Map<string, number>();
      for (const { key, worst: away } of metrics) worst.set(key, Math.max(away, worst.get(key) ?? 0));
      rankings.set(
        step,
        [...worst].sort(([, a], [, b]) => b - a).map(([key]) => key),
      );
    }
  }
  return { steps: replayed.steps, scores: new Map(), rankings };
}

/** The last steps with values before a fault that no other fault is in. */
function freeBefore(history: History, { first }: FaultSpan, isFree: (step: number) => boolean): number[] {
  const found: number[] = [];
  for (let step = first - 1; step >= history.oldest && found.length < NORMAL_STEPS; step--) {
    if (isFree(step) && history.observed(step) > 0) found.push(step);
  }
  return found;
}
