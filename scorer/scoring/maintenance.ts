import { type PrometheusClient, PrometheusError, type RangeSeries } from '../prometheus/client.ts';
import { Identity, type Scope, selects } from '../identity/identity.ts';
import { serviceName } from '../identity/service-key.ts';

/** The services in maintenance at one time. */
export class Maintenance {
  readonly #scopes: readonly Scope[];

  constructor(scopes: readonly Scope[]) {
    this.#scopes = scopes;
  }

  covers(key: string): boolean {
    if (this.#scopes.length === 0) return false;
    const name = serviceName(key);
    return this.#scopes.some((scope) => selects(scope, name));
  }
}

/**
 * Queries the services in maintenance at `timeMs`: those that have the labels of a series which the expressions return,
 * as far as these are labels of the identity; all of a namespace without `service`, all services without any. Series with
 * the value 0 are ignored, so that `maintenance_active` and `maintenance_active == 1` are equivalent.
 *
 * @throws PrometheusError
 */
export async function maintenanceAt(
  client: PrometheusClient,
  expressions: readonly string[],
  timeMs: number,
  identity: Identity = new Identity(),
): Promise<Maintenance> {
  const scopes: Scope[] = [];
  for (const expression of expressions) {
    await client.query(expression, timeMs, {
      visit: (series) => {
        if (isActive(series.values[0])) scopes.push(identity.scope(series.labels));
      },
    });
  }
  return new Maintenance(scopes);
}

/** Past maintenance by step. */
export class MaintenanceHistory {
  readonly #intervalMs: number;
  readonly #identity: Identity;
  readonly #scopes: { readonly scope: Scope; readonly steps: ReadonlySet<number> }[] = [];

  constructor(intervalMs: number, identity: Identity = new Identity()) {
    this.#intervalMs = intervalMs;
    this.#identity = identity;
  }

  add(series: RangeSeries): void {
    const active = [...series.timestamps].filter((_, index) => isActive(series.values[index]));
    const steps = new Set(active.map((timeMs) => Math.ceil(timeMs / this.#intervalMs)));
    this.#scopes.push({ scope: this.#identity.scope(series.labels), steps });
  }

  /** The steps at which a service was in maintenance. */
  stepsOf(key: string): number[] {
    const name = serviceName(key);
    const matching = this.#scopes.filter(({ scope }) => selects(scope, name));
    return [...new Set(matching.flatMap(({ steps }) => [...steps]))];
  }
}

/**
 * Queries the maintenance of a span, at each multiple of the interval in it. An expression that Prometheus cannot
 * evaluate has no maintenance: nothing would be learned until it is corrected, otherwise.
 *
 * @throws PrometheusError
 */
export async function maintenanceBetween(
  client: PrometheusClient,
  expressions: readonly string[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  intervalMs: number,
  identity: Identity = new Identity(),
): Promise<MaintenanceHistory> {
  const history = new MaintenanceHistory(intervalMs, identity);
  for (const expression of expressions) {
    try {
      await client.queryRange(expression, fromMs, toMs, intervalMs, { visit: (series) => history.add(series) });
    } catch (error) {
      if (!(error instanceof PrometheusError && error.refusesQuery)) throw error;
    }
  }
  return history;
}

function isActive(value: number | undefined): boolean {
  return value !== undefined && Number.isFinite(value) && value !== 0;
}
