import type { ScorerConfig } from '../../config.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { History } from '../../fleet/history.ts';
import { fetchGroups, type PastSource, type PastSpan } from '../../fleet/past.ts';
import { stepsBetween } from '../../fleet/steps.ts';
import { type LevelShifts, moveToNewLevels } from './new-levels.ts';
import { fetchUnusualTime, leaveOut, type UnusualTime, type UnusualTimeSource } from './unusual-time.ts';

/** The history of one service or edge to learn from. */
export interface Past {
  readonly key: string;
  readonly history: History;
  /** First step to learn from. */
  readonly from: number;
  /** Last step to learn from. */
  readonly to: number;
}

/** The history of a service that has existed for `learning.minimum`. */
export interface ServicePast extends Past {
  /** First step of the held-out part, which a new model isn't trained on. */
  readonly heldOutFrom: number;
  /** Days from `from` to `to`. */
  readonly days: number;
}

/** The clean history of some services and of the edges from and to them. */
export interface CleanPast {
  readonly services: readonly ServicePast[];
  readonly edges: readonly Past[];
}

/** The clean history of a group of services that were fetched together. */
export interface CleanGroup extends CleanPast {
  /** All services of the group; those that are too new aren't in `services`. */
  readonly keys: readonly string[];
}

/** The part of the configuration that sets the minimum history. */
export interface MinimumTime {
  readonly interval: number;
  readonly learning: Pick<ScorerConfig['learning'], 'minimum'>;
}

/** Source of the history and of the time to exclude from it. */
export interface CleanPastSource extends PastSource, UnusualTimeSource {
  readonly config: PastSource['config'] & UnusualTimeSource['config'] & MinimumTime;
  /** Features of services that have changed for good. */
  readonly shifts?: LevelShifts | undefined;
}

/** Share of the history, at its end, that a new model isn't trained on and that its thresholds are estimated on. */
const HELD_OUT_SHARE = 0.25;
/** Steps to skip after a service appears, while the windows of rates aren't full. */
export const WARM_UP_STEPS = 2;
const DAY_MS = 86_400_000;

/**
 * Fetches the history of services and cleans it, group by group.
 *
 * @throws PrometheusError
 */
export async function* cleanGroups(
  source: CleanPastSource,
  span: PastSpan,
  keys: readonly string[],
): AsyncGenerator<CleanGroup> {
  const unusual = await fetchUnusualTime(source, span);
  for await (const { keys: group, fleet } of fetchGroups(source, span, keys)) {
    yield { keys: group, ...clean(fleet, unusual, source.config, span.toMs, source.shifts) };
  }
}

/**
 * Removes unusual time from a fleet's history, and moves what was before a change for good to the new level, in place; returns
 * the history to learn from.
 */
export function clean(
  fleet: Fleet,
  unusual: UnusualTime,
  config: MinimumTime,
  toMs: number,
  shifts?: LevelShifts,
): CleanPast {
  leaveOut(unusual, fleet);
  if (shifts !== undefined) moveToNewLevels(fleet, shifts);
  return { services: servicePasts(fleet, config, toMs), edges: edgePasts(fleet) };
}

/** The services that have existed for `learning.minimum`, sorted by key. */
export function servicePasts({ services }: Fleet, { interval, learning }: MinimumTime, toMs: number): ServicePast[] {
  const last = Math.floor(toMs / interval);
  const minSteps = Math.ceil(learning.minimum / interval);
  const found = [...services].flatMap(([key, history]) => {
    const from = history.oldest + WARM_UP_STEPS;
    const to = Math.min(last, history.newest ?? last);
    if (to - history.oldest + 1 < minSteps) return [];
    const observed = stepsBetween(from, to).filter((step) => history.observed(step) > 0);
    const heldOutFrom = observed[Math.floor(observed.length * (1 - HELD_OUT_SHARE))] ?? to;
    return [{ key, history, from, to, heldOutFrom, days: ((to - from + 1) * interval) / DAY_MS }];
  });
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function edgePasts({ edges }: Fleet): Past[] {
  return [...edges].map(([key, history]) => {
    const from = history.oldest + WARM_UP_STEPS;
    return { key, history, from, to: history.newest ?? from };
  });
}
