import { stepsBetween } from '../fleet/steps.ts';
import { learnEdgeScalings } from '../scoring/scalings.ts';
import type { ScorerConfig } from '../config.ts';
import type { Feature } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { History } from '../fleet/history.ts';
import type { EdgeScalings } from '../scoring/profiles-file.ts';

/** A service with enough history to learn from. */
export interface Learnable {
  readonly key: string;
  readonly history: History;
  /** First and last step to learn from. */
  readonly from: number;
  readonly to: number;
  /** First step that a newly trained model doesn't see; thresholds rest on what follows. */
  readonly heldOutFrom: number;
}

/** Share of the time, the last, that a newly trained model doesn't see and that thresholds are set on. */
const HELD_OUT_SHARE = 0.25;
/** Windows of rates are not full yet just after a service appears. */
const WARM_UP_STEPS = 2;

/** The services that have been there for the least time of learning, in the order of their keys. */
export function learnableServices(fleet: Fleet, config: ScorerConfig, toMs: number): Learnable[] {
  const last = Math.floor(toMs / config.interval);
  const least = Math.ceil(config.learning.minimum / config.interval);
  const found = [...fleet.services].flatMap(([key, history]) => {
    const from = history.oldest + WARM_UP_STEPS;
    const to = Math.min(last, history.newest ?? last);
    if (to - history.oldest + 1 < least) return [];
    const observed = stepsBetween(from, to).filter((step) => history.observed(step) > 0);
    const heldOutFrom = observed[Math.floor(observed.length * (1 - HELD_OUT_SHARE))] ?? to;
    return [{ key, history, from, to, heldOutFrom }];
  });
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** What is normal for each edge, from all of its history. */
export function learnEdges(fleet: Fleet, features: readonly Feature[]): Map<string, EdgeScalings> {
  return new Map(
    [...fleet.edges].map(([key, history]) => {
      const from = history.oldest + WARM_UP_STEPS;
      return [key, learnEdgeScalings(features, history, from, history.newest ?? from)];
    }),
  );
}

/** At most `count` of `all`, evenly spaced. */
export function evenly<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all];
  return Array.from({ length: count }, (_, index) => all[Math.floor((index * all.length) / count)]!);
}
