import type { Fleet } from '../../fleet/fleet.ts';
import type { TimeSpan } from '../../fleet/past.ts';
import type { History } from '../../fleet/history.ts';
import { equalTo, selectorOf } from '../../prometheus/selector.ts';
import { DETECTOR } from '../../series.ts';
import { type AnnouncementSource, fetchAnnouncements } from '../../announced/history.ts';
import type { AnnouncedHistory } from '../../announced/scopes.ts';
import { recurs } from '../../numeric/recurrence.ts';
import { edgeEnds, instanceName, serviceKey } from '../../identity/service-key.ts';

/** Time that must not be learned as normal. */
export interface UnusualTime {
  /** Steps at which each service was anomalous, by key, without those at which that was expected. */
  readonly anomalous: ReadonlyMap<string, readonly number[]>;
  readonly maintenance: AnnouncedHistory;
}

/** Source of unusual time. */
export type UnusualTimeSource = AnnouncementSource;

/**
 * Fetches the time in which services were anomalous or in maintenance.
 *
 * @param detector whose scores count: what one detector takes for anomalous another may have to learn
 * @throws PrometheusError
 */
export async function fetchUnusualTime(
  source: UnusualTimeSource,
  { fromMs, toMs }: TimeSpan,
  detector = DETECTOR,
): Promise<UnusualTime> {
  const anomalous = await fetchAnomalous(source, { fromMs, toMs }, detector);
  const { maintenance, expected } = await fetchAnnouncements(source, { fromMs, toMs });
  const unexpected = [...anomalous].map(([key, steps]): [string, number[]] => {
    const announced = new Set(expected.stepsOf(key));
    return [key, steps.filter((step) => !announced.has(step))];
  });
  return { anomalous: new Map(unexpected), maintenance };
}

/**
 * Fetches the steps at which services were anomalous, from their scores in Prometheus, so that an incident isn't
 * learned as normal soon after it. Empty if Prometheus has no scores.
 */
async function fetchAnomalous(
  { client, config: { interval, identity, external_labels: external }, signal }: UnusualTimeSource,
  { fromMs, toMs }: TimeSpan,
  detector: string,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const start = Math.ceil(fromMs / interval) * interval;
  const found = new Map<string, number[]>();
  // Its own scores: another scorer may have judged a service of the same name.
  const scores = selectorOf('anomaly_score', `detector="${detector}"`, equalTo(external));
  await client.queryRange(`max by (${identity.by}) (${scores}) > 1`, start, toMs, interval, {
    ...(signal !== undefined && { signal }),
    visit: ({ labels, timestamps }) => {
      const name = identity.service(labels);
      if (name === undefined) return;
      const steps = Array.from(timestamps, (timeMs) => Math.round(timeMs / interval));
      const key = serviceKey(name);
      found.set(key, [...(found.get(key) ?? []), ...steps]);
    },
  });
  return found;
}

/**
 * A service that was anomalous for more than this share of its history has changed: the new behaviour is its normal. So is
 * what was anomalous again and again.
 */
const MAX_ANOMALOUS_SHARE = 0.5;

/** Removes the time in which a service, or either end of an edge, was anomalous or in maintenance. */
export function leaveOut({ anomalous, maintenance }: UnusualTime, { services, edges, pods, endpoints }: Fleet): void {
  const forget = (history: History, ends: readonly string[]) => {
    forgetAll(history, [...new Set(ends.flatMap((end) => anomalous.get(end) ?? []))]);
    for (const step of ends.flatMap((end) => maintenance.stepsOf(end))) history.forget(step);
  };
  for (const [key, history] of services) forget(history, [key]);
  for (const [key, history] of edges) forget(history, Object.values(edgeEnds(key)).map(serviceKey));
  for (const instances of [pods, endpoints]) {
    for (const [key, history] of instances) forget(history, [serviceKey(instanceName(key))]);
  }
}

function forgetAll(history: History, steps: readonly number[]): void {
  const { oldest, newest = oldest } = history;
  const within = steps.filter((step) => step >= oldest && step <= newest);
  if (within.length > MAX_ANOMALOUS_SHARE * (newest - oldest + 1) || recurs(within, oldest, newest)) return;
  for (const step of within) history.forget(step);
}
