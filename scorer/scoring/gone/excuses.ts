import { withLabels } from '../../features/labelled-expression.ts';
import type { Identity } from '../../identity/identity.ts';
import { type ServiceName, serviceKey, serviceName } from '../../identity/service-key.ts';
import type { PrometheusClient } from '../../prometheus/client.ts';
import { selectorOf } from '../../prometheus/selector.ts';

/** Time for which the series of a service that vanished are looked for. */
const WITHIN = '10m';
/** Services up to which a query selects them by name. */
const MAX_NAMED = 200;

/** Which series are about the fleet, and which of their labels say of what service they are. */
export interface SourceOfSeries {
  readonly identity: Identity;
  /** `prometheus.matchers` */
  readonly matchers: string;
}

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
  source: SourceOfSeries,
): Promise<ReadonlySet<string>> {
  const excused = new Set<string>();
  await client.query(excuseExpression(keys.map(serviceName), source), timeMs, {
    visit: ({ labels }) => {
      const name = source.identity.service(labels);
      if (name !== undefined) excused.add(serviceKey(name));
    },
  });
  return excused;
}

/** The expression whose series are the excused services. */
function excuseExpression(names: readonly ServiceName[], { identity, matchers }: SourceOfSeries): string {
  const named = names.length > MAX_NAMED ? '' : `service=~${oneOf(names)}`;
  const infos = (kind = '') =>
    `last_over_time(${selectorOf('lorikeet_target_info', named, kind, matchers)}[${WITHIN}])`;
  const up = `(${selectorOf('up', matchers)} == 1)`;
  const services = (expr: string) => `group by (namespace, service) (${expr})`;
  const unscraped = services(`${infos()} unless on (job, instance) ${up}`);
  const scraped = services(`${infos()} and on (job, instance) ${up}`);
  const jobs = services(infos('workload_kind=~"Job|CronJob"'));
  return withLabels(`(${unscraped} unless ${scraped}) or ${jobs}`, identity.labels);
}

/** A PromQL string with a regular expression that matches the names of the services. */
function oneOf(names: readonly ServiceName[]): string {
  const escaped = [...new Set(names.map(({ service }) => service.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))];
  return JSON.stringify(escaped.join('|'));
}
