import { type ServiceName, serviceKey, serviceName } from '../../identity/service-key.ts';
import type { PrometheusClient } from '../../prometheus/client.ts';

/** Time for which the series of a service that vanished are looked for. */
const WITHIN = '10m';
/** Services up to which a query selects them by name. */
const MAX_NAMED = 200;

/**
 * Queries which of the services may be missing without having ended: because the exporters that saw them are no longer
 * scraped. Jobs are excused too: they end as a matter of course.
 *
 * @param keys of services without current values
 * @returns the keys of those that are excused
 * @throws PrometheusError
 */
export async function excusedAt(
  client: PrometheusClient,
  keys: readonly string[],
  timeMs: number,
): Promise<ReadonlySet<string>> {
  const excused = new Set<string>();
  await client.query(excuseExpression(keys.map(serviceName)), timeMs, {
    visit: ({ labels: { namespace, service } }) => {
      if (namespace !== undefined && service !== undefined) excused.add(serviceKey({ namespace, service }));
    },
  });
  return excused;
}

/** The expression whose series are the excused services. */
export function excuseExpression(names: readonly ServiceName[]): string {
  const infos = (matchers: readonly string[]) => {
    const all = names.length > MAX_NAMED ? matchers : [`service=~${oneOf(names)}`, ...matchers];
    return `last_over_time(lorikeet_target_info{${all.join(',')}}[${WITHIN}])`;
  };
  const services = (expr: string) => `group by (namespace, service) (${expr})`;
  const unscraped = services(`${infos([])} unless on (job, instance) (up == 1)`);
  const scraped = services(`${infos([])} and on (job, instance) (up == 1)`);
  const jobs = services(infos(['workload_kind=~"Job|CronJob"']));
  return `(${unscraped} unless ${scraped}) or ${jobs}`;
}

/** A PromQL string with a regular expression that matches the names of the services. */
function oneOf(names: readonly ServiceName[]): string {
  const escaped = [...new Set(names.map(({ service }) => service.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))];
  return JSON.stringify(escaped.join('|'));
}
