import { collectDefaultMetrics, type Registry } from 'prom-client';

/** prom-client names these gauges like counters, which promtool rejects; the same values remain with labels. */
const ILL_NAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** Registers prom-client's metrics of the process and of Node.js. */
export function collectProcessMetrics(register: Registry): void {
  collectDefaultMetrics({ register });
  for (const name of ILL_NAMED) register.removeSingleMetric(name);
}
