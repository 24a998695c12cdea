import { type PrometheusClient, PrometheusError, type RangeSeries } from '../prometheus/client.ts';
import { serviceName } from '../identity/service-key.ts';

/**
 * The scope of one series of a maintenance expression: the service in its labels `namespace` and `service`, the whole
 * namespace without `service`, all services without either.
 */
export interface MaintenanceScope {
  readonly namespace: string | undefined;
  readonly service: string | undefined;
}

/** The services in maintenance at one time. */
export class Maintenance {
  readonly #scopes: readonly MaintenanceScope[];

  constructor(scopes: readonly MaintenanceScope[]) {
    this.#scopes = scopes;
  }

  covers(key: string): boolean {
    const { namespace, service } = serviceName(key);
    return this.#scopes.some((scope) => matches(scope, namespace, service));
  }
}

/**
 * Queries the services in maintenance at `timeMs`: those of the series that the expressions return. Series with the
 * value 0 are ignored, so that `maintenance_active` and `maintenance_active == 1` are equivalent.
 *
 * @throws PrometheusError
 */
export async function maintenanceAt(
  client: PrometheusClient,
  expressions: readonly string[],
  timeMs: number,
): Promise<Maintenance> {
  const scopes: MaintenanceScope[] = [];
  for (const expression of expressions) {
    await client.query(expression, timeMs, {
      visit: (series) => {
        if (isActive(series.values[0])) scopes.push(scopeOf(series));
      },
    });
  }
  return new Maintenance(scopes);
}

/** Past maintenance by step. */
export class MaintenanceHistory {
  readonly #intervalMs: number;
  readonly #scopes: { readonly scope: MaintenanceScope; readonly steps: ReadonlySet<number> }[] = [];

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  add(series: RangeSeries): void {
    const active = [...series.timestamps].filter((_, index) => isActive(series.values[index]));
    const steps = new Set(active.map((timeMs) => Math.ceil(timeMs / this.#intervalMs)));
    this.#scopes.push({ scope: scopeOf(series), steps });
  }

  /** The steps at which a service was in maintenance. */
  stepsOf(key: string): number[] {
    const { namespace, service } = serviceName(key);
    const matching = this.#scopes.filter(({ scope }) => matches(scope, namespace, service));
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
): Promise<MaintenanceHistory> {
  const history = new MaintenanceHistory(intervalMs);
  for (const expression of expressions) {
    try {
      await client.queryRange(expression, fromMs, toMs, intervalMs, { visit: (series) => history.add(series) });
    } catch (error) {
      if (!(error instanceof PrometheusError && error.refusesQuery)) throw error;
    }
  }
  return history;
}

function scopeOf({ labels }: RangeSeries): MaintenanceScope {
  return { namespace: labels['namespace'], service: labels['service'] };
}

function matches(scope: MaintenanceScope, namespace: string, service: string): boolean {
  return (
    (scope.namespace === undefined || scope.namespace === namespace) &&
    (scope.service === undefined || scope.service === service)
  );
}

function isActive(value: number | undefined): boolean {
  return value !== undefined && Number.isFinite(value) && value !== 0;
}
