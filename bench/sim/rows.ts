import type { BacktestResult } from '../../scorer/backtest/backtest.ts';
import type { Figures } from '../../scorer/backtest/figures.ts';
import { evaluations } from '../../scorer/backtest/report/report.ts';
import type { Recording } from './recording.ts';

/** The source of the figures. */
export interface Subject extends Pick<Recording, 'seed' | 'runtime' | 'from' | 'to'> {
  /** The base model, as in the command line. */
  readonly model: string;
}

/**
 * A row of bench/results/sim.json: one detector on one recording. Times and days are real time: a cycle is one minute.
 */
export interface ResultRow extends Figures, Subject {
  readonly detector: string;
  readonly faults: number;
  readonly fault_free_service_days: number;
}

export function resultRows(result: BacktestResult, { seed, runtime, from, to, model }: Subject): ResultRow[] {
  return evaluations(result).map(({ name, evaluation: { figures, serviceDays } }) => ({
    detector: name,
    runtime,
    model,
    seed,
    from,
    to,
    faults: result.faults.length,
    fault_free_service_days: serviceDays,
    ...figures,
  }));
}
