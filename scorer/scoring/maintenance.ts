import type { PrometheusClient, RangeSeries } from '../prometheus/client.ts';
import { serviceName } from '../identity/service-key.ts';

/**
 * Whom a series of a maintenance expression names: the service of its labels `namespace` and `service`, all of a namespace
 * where it has no `service`, everybody where it has neither.
 */
export interface MaintenanceScope {
  readonly namespace: string | undefined;
  readonly service: string | undefined;
}

/** The announced maintenance of one moment. */
export class Maintenance {
  readonly #scopes: readonly MaintenanceScope[];

  constructor(scopes: readonly MaintenanceScope[]) {
    this.#scopes = scopes;
  }

  covers(key: string): boolean {
    const { namespace, service } = serviceName(key);
    return this.#scopes.some((scope) => isMeant(scope, namespace, service));
  }
}

/**
 * Asks who is in maintenance at `timeMs`: whatever series the expressions return. A value of 0 is none, so that
 * `maintenance_active` and `maintenance_active == 1` do alike.
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
        if (isOn(series.values[0])) scopes.push(scopeOf(series));
      },
    });
  }
  return new Maintenance(scopes);
}

/** Past maintenance, by the steps in which it was. */
export class MaintenanceHistory {
  readonly #intervalMs: number;
  readonly #scopes: { readonly scope: MaintenanceScope; readonly steps: ReadonlySet<number> }[] = [];

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  add(series: RangeSeries): void {
    const on = [...series.timestamps].filter((_, index) => isOn(series.values[index]));
    const steps = new Set(on.map((timeMs) => Math.ceil(timeMs / this.#intervalMs)));
    this.#scopes.push({ scope: scopeOf(series), steps });
  }

  /** The steps at which a service was in maintenance. */
  stepsOf(key: string): number[] {
    const { namespace, service } = serviceName(key);
    const meant = this.#scopes.filter(({ scope }) => isMeant(scope, namespace, service));
    return [...new Set(meant.flatMap(({ steps }) => [...steps]))];
  }
}

/** @throws PrometheusError */
export async function maintenanceBetween(
  client: PrometheusClient,
  expressions: readonly string[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  intervalMs: number,
): Promise<MaintenanceHistory> {
  const history = new MaintenanceHistory(intervalMs);
  for (const expression of expressions) {
    await client.queryRange(expression, fromMs, toMs, intervalMs, { visit: (series) => history.add(series) });
  }
  return history;
}

function scopeOf({ labels }: RangeSeries): MaintenanceScope {
  return { namespace: labels['namespace'], service: labels['service'] };
}

function isMeant(scope: MaintenanceScope, namespace: string, service: string): boolean {
  return (
    (scope.namespace === undefined || scope.namespace === namespace) &&
    (scope.service === undefined || scope.service === service)
  );
}

function isOn(value: number | undefined): boolean {
  return value !== undefined && Number.isFinite(value) && value !== 0;
}
