import { formatDuration, parseDuration } from '../../../daemon/config-file.ts';
import { SERVICE_SERIES } from '../../features/features.ts';
import { quantile } from '../../numeric/statistics.ts';
import { type Check, type Finding, ok, warning } from '../check.ts';
import type { InstantSeries, System } from '../system.ts';
import { recordingGroups } from './rules.ts';
import { sourceJobs, sourceNames, sourceSelector } from './sources.ts';

/** A rate needs two samples in its window. */
const MIN_SAMPLES = 2;
/** As Prometheus recommends, so that a failed scrape leaves no gap. */
const RECOMMENDED_SAMPLES = 4;

/** The intervals of scrapes and rules against the shortest window and the scorer's interval. */
export const intervals: Check = {
  name: 'intervals',
  about: 'scrapes are frequent enough for the shortest window, and rules for the interval of the scorer',
  queries: true,
  async run(system) {
    const [scrapes, evaluations] = await Promise.all([scrapeFinding(system), evaluationFinding(system)]);
    return [scrapes, evaluations];
  },
};

async function scrapeFinding(system: System): Promise<Finding> {
  const scrapes = await slowestScrape(system);
  if (scrapes === undefined) return ok('the scrape interval is unknown');
  const window = system.set.windows[0] ?? 0;
  const every = `${scrapes.of} is scraped every ${formatDuration(scrapes.intervalMs)}`;
  const longer = formatDuration(RECOMMENDED_SAMPLES * scrapes.intervalMs);
  const shorter = formatDuration(Math.floor(window / RECOMMENDED_SAMPLES / 1000) * 1000 || 1);
  const remedy = `set scrape_interval: ${shorter}, or windows from ${longer} on in the features file, and render the rules`;
  if (scrapes.intervalMs * MIN_SAMPLES > window) {
    const message = `${every}, and the shortest window is ${formatDuration(window)}: it has gaps or no rates`;
    return warning(message, remedy);
  }
  if (scrapes.intervalMs * RECOMMENDED_SAMPLES > window) {
    return warning(`${every}: a failed scrape leaves a gap in the window of ${formatDuration(window)}`, remedy);
  }
  return ok(every);
}

interface Scrapes {
  readonly of: string;
  readonly intervalMs: number;
}

/** The longest scrape interval of the jobs that features are computed from. */
async function slowestScrape(system: System): Promise<Scrapes | undefined> {
  const names = sourceNames(system);
  if (names.length === 0) return undefined;
  const jobs = new Set(await sourceJobs(system));
  const targets = (await system.targets()) ?? [];
  const known = targets.flatMap(({ labels: { job = '' }, scrapeInterval }): Scrapes[] => {
    const intervalMs = parseDuration(scrapeInterval ?? '');
    return jobs.has(job) && intervalMs !== undefined ? [{ of: `job ${job}`, intervalMs }] : [];
  });
  if (known.length > 0) return known.reduce((slowest, one) => (one.intervalMs > slowest.intervalMs ? one : slowest));
  const [example] = await system.instant(`topk(1, ${sourceSelector(names)})`);
  const intervalMs = example === undefined ? undefined : await sampleInterval(system, example);
  return intervalMs === undefined ? undefined : { of: example?.labels['__name__'] ?? '', intervalMs };
}

async function evaluationFinding(system: System): Promise<Finding> {
  const { interval } = system.config;
  const loaded = (await recordingGroups(system)).flatMap((group) => group.interval ?? []);
  const example =
    loaded.length > 0
      ? []
      : await system.instant(`topk(1, ${system.recent(system.selector(SERVICE_SERIES, { channel: 'red' }))})`);
  const [first] = example;
  const slowest = loaded.length > 0 ? Math.max(...loaded) * 1000 : first && (await sampleInterval(system, first));
  if (slowest === undefined) return ok('the evaluation interval is unknown');
  const every = `rules are evaluated every ${formatDuration(slowest)}`;
  if (slowest <= interval) return ok(every);
  return warning(
    `${every}, less often than the scorer's interval (${formatDuration(interval)}): cycles between have no values`,
    `set interval: ${formatDuration(slowest)}, or render the rules with --interval=${formatDuration(interval)}`,
  );
}

/** The usual time between two samples of a series, milliseconds, to a second; undefined if it has fewer than three. */
async function sampleInterval(system: System, { labels }: InstantSeries): Promise<number | undefined> {
  const { __name__: name = SERVICE_SERIES, ...others } = labels;
  const [series] = await system.samples(system.selector(name, others), 2 * system.recentMs);
  const times = [...(series?.timestamps ?? [])];
  const distances = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  return distances.length < 2 ? undefined : Math.max(1, Math.round(quantile(distances, 0.5) / 1000)) * 1000;
}
