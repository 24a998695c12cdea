import { z } from 'zod';
import { median } from '../../numeric/statistics.ts';
import type { ErrorScales } from '../errors.ts';
import { figureSchema, type Profile } from './profile.ts';

/** The expected profile of a new service: pooled over the services that the model was trained on. */
export interface Prior extends ErrorScales {
  /** Spread of each column, scaled units. */
  readonly spread: readonly number[];
  /** Raw score at which the score of a new service is 1. */
  readonly threshold: number;
}

/** Weight of the prior in scales and spreads, as a number of the service's own windows. */
export const PRIOR_WEIGHT = 60;
/** Weight of the prior in the threshold, which needs more windows of its own, as it depends on the tail. */
export const THRESHOLD_PRIOR_WEIGHT = 240;

const priorSchema = z.object({
  spread: z.array(figureSchema),
  residual: z.array(figureSchema),
  deviation: z.array(figureSchema),
  threshold: z.number().positive(),
});

/** Parses the prior in a model's card; undefined if there is none, or one of another format. */
export function parsePrior(calibration: unknown): Prior | undefined {
  return priorSchema.safeParse(calibration).data;
}

/**
 * Pools the profiles of many services into a prior: the median of each value. Its threshold suits services with a long
 * history; the caller replaces it by one for new services.
 */
export function poolProfiles(columns: number, profiles: readonly Profile[]): Prior {
  const each = (pick: (profile: Profile, column: number) => number) =>
    Array.from({ length: columns }, (_, column) => median(profiles.map((profile) => pick(profile, column))));
  return {
    spread: each((profile, column) => profile.scalings[column]?.spread ?? NaN),
    residual: each((profile, column) => profile.residual[column] ?? NaN),
    deviation: each((profile, column) => profile.deviation[column] ?? NaN),
    threshold: median(profiles.map((profile) => profile.threshold)),
  };
}

/** Shrinks a service's own estimate, which is based on `count` windows, towards the prior. NaN if neither is known. */
export function shrink(count: number, own: number, prior: number | undefined, weight: number): number {
  if (prior === undefined || !Number.isFinite(prior)) return own;
  if (!Number.isFinite(own)) return prior;
  return (count * own + weight * prior) / (count + weight);
}
