import type { ScorerConfig } from '../config.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { History } from '../fleet/history.ts';
import { fetchGroups, type PastSource, type PastSpan } from '../fleet/past.ts';
import { stepsBetween } from '../fleet/steps.ts';
import { fetchUnusualTime, leaveOut, type UnusualTime, type UnusualTimeSource } from './unusual-time.ts';

/** Steps of one service's or edge's history that are fit to learn from. */
export interface Past {
  readonly key: string;
  readonly history: History;
  /** First and last of them. */
  readonly from: number;
  readonly to: number;
}

/** Those of a service, which has been there for the minimum of learning. */
export interface ServicePast extends Past {
  /** First step that a newly trained model doesn't see; thresholds rest on what follows. */
  readonly heldOutFrom: number;
}

/** The clean past of some services and of the edges from and to them. */
export interface CleanPast {
  readonly services: readonly ServicePast[];
  readonly edges: readonly Past[];
}

/** The clean past of the services that were fetched together. */
export interface CleanGroup extends CleanPast {
  /** All that were asked for; those that haven't been there for long enough aren't among `services`. */
  readonly keys: readonly string[];
}

/** How long a service has to have been there. */
export interface MinimumTime {
  readonly interval: number;
  readonly learning: Pick<ScorerConfig['learning'], 'minimum'>;
}

/** Where the past is fetched from, and what isn't clean in it. */
export interface CleanPastSource extends PastSource, UnusualTimeSource {
  readonly config: PastSource['config'] & UnusualTimeSource['config'] & MinimumTime;
}

/** Share of the time, the last, that a newly trained model doesn't see and that thresholds are set on. */
const HELD_OUT_SHARE = 0.25;
/** Windows of rates are not full yet just after a service appears. */
const WARM_UP_STEPS = 2;

/**
 * Fetches services and cleans their past, group by group.
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
    yield { keys: group, ...clean(fleet, unusual, source.config, span.toMs) };
  }
}

/** Leaves out of a fleet's past whatever isn't to be learned as normal. */
export function clean(fleet: Fleet, unusual: UnusualTime, config: MinimumTime, toMs: number): CleanPast {
  leaveOut(unusual, fleet);
  return { services: servicePasts(fleet, config, toMs), edges: edgePasts(fleet) };
}

/** The services that have been there for the minimum of learning, in the order of their keys. */
export function servicePasts({ services }: Fleet, { interval, learning }: MinimumTime, toMs: number): ServicePast[] {
  const last = Math.floor(toMs / interval);
  const minSteps = Math.ceil(learning.minimum / interval);
  const found = [...services].flatMap(([key, history]) => {
    const from = history.oldest + WARM_UP_STEPS;
    const to = Math.min(last, history.newest ?? last);
    if (to - history.oldest + 1 < minSteps) return [];
    const observed = stepsBetween(from, to).filter((step) => history.observed(step) > 0);
    const heldOutFrom = observed[Math.floor(observed.length * (1 - HELD_OUT_SHARE))] ?? to;
    return [{ key, history, from, to, heldOutFrom }];
  });
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function edgePasts({ edges }: Fleet): Past[] {
  return [...edges].map(([key, history]) => {
    const from = history.oldest + WARM_UP_STEPS;
    return { key, history, from, to: history.newest ?? from };
  });
}
