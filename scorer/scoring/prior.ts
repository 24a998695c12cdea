import { z } from 'zod';
import { median } from '../numeric/statistics.ts';
import type { ErrorScales } from './errors.ts';
import { figureSchema, type Profile } from './profile.ts';

/** What is expected of a service before it was watched: learned with the base model, over its whole fleet. */
export interface Prior extends ErrorScales {
  /** Scaled units, one for each column. */
  readonly spread: readonly number[];
  /** Loudness that fault-free windows don't exceed. */
  readonly threshold: number;
}

/** The prior counts for this many of a service's own values. */
export const PRIOR_WEIGHT = 60;
/** The same for the threshold, which rests on the rarest of them. */
export const THRESHOLD_PRIOR_WEIGHT = 240;

const priorSchema = z.object({
  spread: z.array(figureSchema),
  residual: z.array(figureSchema),
  deviation: z.array(figureSchema),
  threshold: z.number().positive(),
});

/** The prior that a model's card carries; undefined where it carries none or one of other figures than these. */
export function parsePrior(calibration: unknown): Prior | undefined {
  return priorSchema.safeParse(calibration).data;
}

/**
 * A prior out of many services' profiles: the median of each figure over the fleet. Its threshold is that of their own, long
 * time; for services with a short one another replaces it.
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

/** Weighs a service's own estimate with the prior's by the `count` of windows that it rests on. */
export function shrink(count: number, own: number, prior: number | undefined, weight: number): number {
  if (prior === undefined || !Number.isFinite(prior)) return own;
  if (!Number.isFinite(own)) return prior;
  return (count * own + weight * prior) / (count + weight);
}
