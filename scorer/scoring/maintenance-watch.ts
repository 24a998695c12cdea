import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import { Maintenance, maintenanceAt } from './maintenance.ts';
import type { ScorerConfig } from '../config.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { type PrometheusClient, PrometheusError } from '../prometheus/client.ts';

export interface MaintenanceWatchOptions {
  /** Without any `maintenance`, nothing is queried. */
  readonly config: Pick<ScorerConfig, 'maintenance' | 'identity'>;
  readonly client: PrometheusClient;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** The services in maintenance, as of the last successful query. */
export class MaintenanceWatch {
  readonly #options: MaintenanceWatchOptions;
  readonly #conditions: ConditionLog;
  #current = new Maintenance([]);

  constructor(options: MaintenanceWatchOptions) {
    this.#options = options;
    this.#conditions = new ConditionLog(options.logger);
  }

  get current(): Maintenance {
    return this.#current;
  }

  /** Queries again; keeps the last result if an expression fails. Never rejects. */
  async update(timeMs: number): Promise<void> {
    const { config, client, metrics } = this.#options;
    if (config.maintenance.length === 0) return;
    try {
      this.#current = await maintenanceAt(client, config.maintenance, timeMs, config.identity);
      this.#conditions.recovered('maintenance', 'maintenance query works again');
    } catch (error) {
      metrics.queryFailures.inc({ code: error instanceof PrometheusError ? error.code : 'OTHER' });
      this.#conditions.failing('maintenance', 'maintenance query failed, using the last result', error);
    }
  }
}
