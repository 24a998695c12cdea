import type { ScorerMetrics } from '../metrics.ts';
import type { FleetScores, ServiceState } from '../scoring/score-fleet.ts';

const STATES: readonly ServiceState[] = ['scored', 'learning', 'no_data', 'excluded', 'gone'];

/** Reports a cycle's scores in the scorer's own metrics. @param learnedAtMs of the profiles in use */
export function observeScores(
  metrics: ScorerMetrics,
  { states, missing, encodeMs, inferenceMs, rankMs }: FleetScores,
  learnedAtMs: number | undefined,
): void {
  const counts = new Map<ServiceState, number>();
  for (const state of states.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
  for (const state of STATES) metrics.services.set({ state }, counts.get(state) ?? 0);
  metrics.missingValues.set(missing);
  metrics.observePhase('encode', encodeMs);
  metrics.observePhase('inference', inferenceMs);
  metrics.observePhase('rank', rankMs);
  if (learnedAtMs !== undefined) metrics.modelAge.set((Date.now() - learnedAtMs) / 1000);
}
