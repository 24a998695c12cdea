import { collectDefaultMetrics, Counter, type Registry } from 'prom-client';
import { standardError } from './streams/line-output.ts';

/** prom-client names these gauges like counters, which promtool rejects; the same values remain with labels. */
const ILL_NAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/**
 * Registers prom-client's metrics of the process and of Node.js, and the program's own count of dropped log lines.
 *
 * @param prefix of the program's own metrics, such as `lorikeet_exporter_`
 */
export function collectProcessMetrics(register: Registry, prefix: string): void {
  collectDefaultMetrics({ register });
  for (const name of ILL_NAMED) register.removeSingleMetric(name);
  const dropped = new Counter({
    name: `${prefix}log_lines_dropped_total`,
    help: 'Log lines dropped because standard error did not take them: closed, full disk, or a reader that stalls.',
    registers: [],
    collect() {
      this.reset();
      this.inc(standardError.dropped);
    },
  });
  register.registerMetric(dropped);
}
