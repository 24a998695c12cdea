import type { BacktestResult } from '../../scorer/backtest/backtest.ts';
import type { Evaluation } from '../../scorer/backtest/figures.ts';
import { TIME_SCALE } from '../../scripts/demo/time-scale.ts';

/**
 * Converts a result from demo time to real time, where a cycle is one minute: decisions are made once per cycle, so a
 * day's false alarms are those of 1440 cycles.
 */
export function inLifeTime(result: BacktestResult): BacktestResult {
  return {
    ...result,
    alert: { ...result.alert, firingDelayMs: result.alert.firingDelayMs * TIME_SCALE },
    evaluation: scaled(result.evaluation),
    baselines: result.baselines.map((baseline) => ({ ...baseline, evaluation: scaled(baseline.evaluation) })),
  };
}

function scaled(evaluation: Evaluation): Evaluation {
  const { figures, serviceDays } = evaluation;
  const { p50, p90 } = figures.delay_seconds;
  return {
    ...evaluation,
    serviceDays: serviceDays * TIME_SCALE,
    figures: {
      ...figures,
      false_alarms_per_service_day: figures.false_alarms_per_service_day / TIME_SCALE,
      delay_seconds: { p50: p50 * TIME_SCALE, p90: p90 * TIME_SCALE },
    },
  };
}
