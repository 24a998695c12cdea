import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import { Maintenance, maintenanceAt } from './maintenance.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { type PrometheusClient, PrometheusError } from '../prometheus/client.ts';

export interface MaintenanceWatchOptions {
  /** Of the configuration; none, and nothing is asked. */
  readonly expressions: readonly string[];
  readonly client: PrometheusClient;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** Who is in maintenance, as far as is known. */
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

  /** Asks anew; an expression that fails leaves what was known last. */
  async update(timeMs: number): Promise<void> {
    const { expressions, client, metrics } = this.#options;
    if (expressions.length === 0) return;
    try {
      this.#current = await maintenanceAt(client, expressions, timeMs);
      this.#conditions.recovered('maintenance', 'maintenance is known again');
    } catch (error) {
      metrics.queryFailures.inc({ code: error instanceof PrometheusError ? error.code : 'OTHER' });
      this.#conditions.failing('maintenance', 'maintenance not known, what was known last counts', error);
    }
  }
}
