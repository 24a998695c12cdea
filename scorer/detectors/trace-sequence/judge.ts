import { DEVIATION_KINDS, type DeviationKind, findDeviations } from './deviations/deviations.ts';
import type { Durations } from './deviations/durations.ts';
import { addTrace, type Evidence, type ServiceEvidence, surplus } from './deviations/evidence.ts';
import type { Predictor } from './prediction/predictor.ts';
import type { TraceSequenceSettings } from './settings.ts';
import { addSlowness } from './deviations/slowness.ts';
import type { Structure } from './deviations/structure.ts';
import type { WeightedSequence } from './prediction/vocabulary.ts';

/** What traces are judged by. */
export interface Knowledge {
  readonly predictor: Predictor;
  readonly structure: Structure;
  readonly durations: Durations;
  readonly settings: TraceSequenceSettings;
  /** Services that send spans, by key. */
  readonly services: ReadonlySet<string>;
}

/** What the traces of one time say of each service; the network runs over all of them at once. */
export async function judge(
  sequences: readonly WeightedSequence[],
  { predictor, structure, durations, settings, services }: Knowledge,
): Promise<Evidence> {
  const expectations = await predictor.expectations(sequences.map(({ sequence }) => sequence));
  const expected = {
    judge: settings.judge,
    candidates: settings.candidates,
    minProbability: settings.min_probability,
  };
  const judged = sequences.map(({ sequence, weight }, index) => ({
    sequence,
    weight,
    deviations: findDeviations(sequence, expectations[index]!, structure, expected),
  }));
  addSlowness(judged, durations, settings.slow);
  const evidence: Evidence = new Map();
  for (const { sequence, weight, deviations } of judged) {
    addTrace(evidence, sequence, deviations, weight, (service) => services.has(service));
  }
  return evidence;
}

/** By kind, share of a service's traces that deviate in fault-free time. */
export type UsualShares = Readonly<Record<DeviationKind, number>>;

/** Shares of its traces in which a service may deviate, however rarely it did before. */
export type MinShares = Pick<TraceSequenceSettings, 'min_share' | 'min_slow_share'>;

/** By kind, how much more often a service deviates than usual, in standard deviations. */
export function surpluses(
  { traces, deviating }: ServiceEvidence,
  usual: UsualShares,
  { min_share: minShare, min_slow_share: minSlowShare }: MinShares,
): Record<DeviationKind, number> {
  return Object.fromEntries(
    DEVIATION_KINDS.map((kind) => {
      const least = kind === 'duration' ? minSlowShare : minShare;
      return [kind, surplus(deviating[kind], traces, Math.max(least, usual[kind]))];
    }),
  ) as Record<DeviationKind, number>;
}
