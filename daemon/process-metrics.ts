import { collectDefaultMetrics, Counter, Gauge, type Metric, Registry } from 'prom-client';
import { REFUSAL_REASONS, refusals } from './refusals/refusals.ts';
import { standardError } from './streams/line-output.ts';
import { buildLabels } from './version.ts';

/** prom-client names these gauges like counters, which promtool rejects; the same values remain with labels. */
const ILL_NAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** One for all registries: each collection watches the event loop and the garbage collector until the program ends. */
let ofProcess: Registry | undefined;

function processRegistry(): Registry {
  if (ofProcess !== undefined) return ofProcess;
  ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  for (const name of ILL_NAMED) ofProcess.removeSingleMetric(name);
  return ofProcess;
}

/**
 * Registers prom-client's metrics of the process and of Node.js, the program's build, and its own counts of dropped log
 * lines and of what its web servers refused.
 *
 * @param prefix of the program's own metrics, such as `lorikeet_exporter_`
 */
export function collectProcessMetrics(register: Registry, prefix: string): void {
  for (const metric of processRegistry().getMetricsAsArray()) register.registerMetric(metric as unknown as Metric);
  const labels = buildLabels();
  const build = new Gauge({
    name: `${prefix}build_info`,
    help: 'Version of the program, its sources, Node.js and the platform. Always 1.',
    labelNames: Object.keys(labels),
    registers: [],
  });
  build.set(labels, 1);
  register.registerMetric(build);
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
  const refused = new Counter({
    name: `${prefix}web_refusals_total`,
    help: 'Requests that the web server refused and connections that it closed to stay reachable, by reason.',
    labelNames: ['reason'],
    registers: [],
    collect() {
      this.reset();
      for (const reason of REFUSAL_REASONS) this.inc({ reason }, refusals.of(reason));
    },
  });
  register.registerMetric(refused);
}
