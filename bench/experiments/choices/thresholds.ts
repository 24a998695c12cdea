import { errorsOver, stepScores } from '../../../scorer/scoring/profiles/error-rows.ts';
import type { Profile } from '../../../scorer/scoring/profiles/profile.ts';
import { type StepScore, tailThreshold } from '../../../scorer/scoring/profiles/threshold.ts';
import { usualSteps } from '../../../scorer/scoring/profiles/usual-steps.ts';
import type { BacktestSession } from '../../../scorer/backtest/session.ts';
import { quantile } from '../../../scorer/numeric/statistics.ts';

/** Computes a threshold from the raw scores of fault-free steps. */
type Threshold = (steps: readonly StepScore[]) => number;

const percentile =
  (share: number): Threshold =>
  (steps) =>
    quantile(
      steps.map(({ rawScore }) => rawScore),
      share,
    );

/** The thresholds under comparison, all computed from the same raw scores. */
export const THRESHOLDS: Readonly<Record<string, Threshold>> = {
  'fitted tail, or what lasted two steps (the product)': tailThreshold,
  '99.7th percentile': percentile(0.997),
  'twice the 99.7th percentile': (steps) => 2 * percentile(0.997)(steps),
  'the largest seen': percentile(1),
};

/** The session's profiles with other thresholds. */
export async function withThreshold(
  { shape, profiles, pasts, model }: BacktestSession,
  threshold: Threshold,
): Promise<BacktestSession['profiles']> {
  const services = new Map<string, Profile>();
  for (const { key, history, from, to } of pasts) {
    const profile = profiles.services.get(key);
    if (profile === undefined) continue;
    const steps = usualSteps(shape, history, { from, to }, profile.scalings);
    const rows = await errorsOver(shape, history, steps, profile.scalings, model.autoencoder);
    services.set(key, { ...profile, threshold: threshold(stepScores(shape, rows, profile)) });
  }
  return { ...profiles, services };
}
