import { formatDuration } from '../../../daemon/config-file.ts';
import { SCORER_DEFAULTS } from '../../config.ts';
import { SERVICE_SERIES } from '../../features/features.ts';
import { RULE_INTERVAL_TOLERANCE } from '../../timing/arrivals.ts';
import { windowAdvice } from '../../timing/sample-interval.ts';
import { type Check, type Finding, loggedByCycles, ok, someOf, warning } from '../check.ts';
import type { System } from '../system.ts';
import { recordingGroups } from './rules.ts';

/** As Prometheus recommends, so that a failed scrape leaves no gap. */
const RECOMMENDED_SAMPLES = 4;

/** The intervals of scrapes and rules against the shortest window and the scorer's interval. */
export const intervals: Check = {
  name: 'intervals',
  about: 'scrapes are frequent enough for the windows, and rules for the interval of the scorer',
  queries: true,
  async run(system) {
    const [scrapes, evaluations] = await Promise.all([scrapeFindings(system), evaluationFinding(system)]);
    return [...scrapes, evaluations];
  },
};

async function scrapeFindings(system: System): Promise<Finding[]> {
  const { set } = system;
  const scrapes = [...(await system.sampleIntervals())];
  const [first, ...others] = scrapes;
  if (first === undefined) return [ok('the scrape interval is unknown')];
  const [of, intervalMs] = others.reduce((slowest, one) => (one[1] > slowest[1] ? one : slowest), first);
  const empty = await system.emptyWindows();
  if (empty.length > 0) {
    return empty.map((found) => {
      const every = `scraped every ${formatDuration(found.scrapeIntervalMs)}`;
      const names = found.features.length === 0 ? 'edges and instances' : someOf(found.features);
      const message = `the window of ${formatDuration(found.windowMs)} is too short for what is ${every}: ${names}`;
      return loggedByCycles(warning(message, windowAdvice(set, found)));
    });
  }
  const every = `${of} is scraped every ${formatDuration(intervalMs)}`;
  const window = set.windows[0] ?? 0;
  if (intervalMs * RECOMMENDED_SAMPLES <= window) return [ok(every)];
  const message = `${every}: a failed scrape leaves a gap in the window of ${formatDuration(window)}`;
  return [warning(message, windowAdvice(set, { scrapeIntervalMs: intervalMs }))];
}

async function evaluationFinding(system: System): Promise<Finding> {
  const { interval } = system.config;
  const loaded = (await recordingGroups(system)).flatMap((group) => group.interval ?? []);
  const slowest =
    loaded.length > 0
      ? Math.max(...loaded) * 1000
      : await system.sampleIntervalMs(system.selector(SERVICE_SERIES, { channel: 'red' }));
  if (slowest === undefined) return ok('the evaluation interval is unknown');
  const every = `rules are evaluated every ${formatDuration(slowest)}`;
  if (slowest <= interval * RULE_INTERVAL_TOLERANCE) return ok(every);
  const render = `render the rules with --interval=${formatDuration(interval)}`;
  return loggedByCycles(
    warning(
      `${every}, less often than the scorer's interval (${formatDuration(interval)}): cycles between have no values`,
      // The scorer accepts no longer interval than its default.
      slowest <= SCORER_DEFAULTS.interval ? `set interval: ${formatDuration(slowest)}, or ${render}` : render,
    ),
  );
}
