import { Identity, selects } from '../identity/identity.ts';
import { type PrometheusClient, PrometheusError } from '../prometheus/client.ts';
import { Announced, AnnouncedHistory, type Applies } from './scopes.ts';

/**
 * Queries the services that expressions return at `timeMs`: those that have the labels of a series, as far as these are
 * labels of the identity; all of a namespace without `service`, all services without any. Series with the value 0 are
 * ignored, so that `maintenance_active` and `maintenance_active == 1` are equivalent.
 *
 * @throws PrometheusError
 */
export async function announcedAt(
  client: PrometheusClient,
  expressions: readonly string[],
  timeMs: number,
  identity: Identity = new Identity(),
): Promise<Announced> {
  const scopes: Applies[] = [];
  for (const expression of expressions) {
    await client.query(expression, timeMs, {
      visit: ({ labels, values }) => {
        if (isActive(values[0])) scopes.push(appliesTo(identity, labels));
      },
    });
  }
  return new Announced(scopes);
}

/** A span of time, in steps of an interval. */
export interface SteppedSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
}

/**
 * Queries the services that expressions return in a span, at each multiple of the interval in it. An expression that
 * Prometheus cannot evaluate returns none: nothing would be learned until it is corrected, otherwise.
 *
 * @throws PrometheusError
 */
export async function announcedBetween(
  client: PrometheusClient,
  expressions: readonly string[],
  { fromMs, toMs, intervalMs }: SteppedSpan,
  identity: Identity = new Identity(),
): Promise<AnnouncedHistory> {
  const history = new AnnouncedHistory();
  for (const expression of expressions) {
    try {
      await client.queryRange(expression, fromMs, toMs, intervalMs, {
        visit: ({ labels, timestamps, values }) => {
          const active = [...timestamps].filter((_, index) => isActive(values[index]));
          const steps = active.map((timeMs) => Math.ceil(timeMs / intervalMs));
          history.add(appliesTo(identity, labels), steps);
        },
      });
    } catch (error) {
      if (!(error instanceof PrometheusError && error.refusesQuery)) throw error;
    }
  }
  return history;
}

function appliesTo(identity: Identity, labels: Readonly<Record<string, string>>): Applies {
  const scope = identity.scope(labels);
  return (name) => selects(scope, name);
}

function isActive(value: number | undefined): boolean {
  return value !== undefined && Number.isFinite(value) && value !== 0;
}
