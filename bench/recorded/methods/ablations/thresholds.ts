import type { Replay } from '../../../../scorer/backtest/replay.ts';
import type { BacktestSession } from '../../../../scorer/backtest/session.ts';
import { quantile } from '../../../../scorer/numeric/statistics.ts';
import { FAULT_FREE_QUANTILE } from '../../../../scorer/numeric/tail.ts';
import { errorsOver, stepScores } from '../../../../scorer/scoring/profiles/error-rows.ts';
import type { Profile } from '../../../../scorer/scoring/profiles/profile.ts';
import { usualSteps } from '../../../../scorer/scoring/profiles/usual-steps.ts';

/** The product, but each threshold is the 99.7th percentile of the scores that were learned from, without any tail. */
export async function replayWithPercentiles(session: BacktestSession): Promise<Replay> {
  const { shape, pasts, profiles, model } = session;
  const services = new Map<string, Profile>(profiles.services);
  for (const { key, history, from, to } of pasts) {
    const profile = profiles.services.get(key);
    if (profile === undefined) continue;
    const steps = usualSteps(shape, history, { from, to }, profile.scalings);
    const rows = await errorsOver(shape, history, steps, profile.scalings, model.autoencoder);
    const scores = stepScores(shape, rows, profile).map(({ rawScore }) => rawScore);
    const threshold = quantile(scores, FAULT_FREE_QUANTILE);
    if (Number.isFinite(threshold)) services.set(key, { ...profile, threshold });
  }
  return await session.replay('percentiles', { ...profiles, services }, model.autoencoder);
}
