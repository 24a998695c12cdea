import { type Check, error, type Finding, ok, someOf, warning } from '../check.ts';
import { groupBy } from '../group-by.ts';
import type { System } from '../system.ts';
import { metricNames, nativeName } from './metric-names.ts';

/** The series that the recording rules read: without them, rules are loaded and record nothing. */
export const sources: Check = {
  name: 'sources',
  about: 'the series that the features are computed from exist, and their targets are up',
  queries: true,
  async run(system) {
    const wanted = sourceNames(system);
    if (wanted.length === 0) return [ok('no metric is named in the features file')];
    const [present, down] = await Promise.all([presentSources(system), downTargets(system)]);
    if (present.size > 0) return [...down, ok(`${present.size} of ${wanted.length} metrics have series`)];
    // Rules may be evaluated elsewhere, and only their results stored here.
    if ((await system.instant(`count(${system.recent()})`)).length > 0) {
      return [...down, ok('only the features are in this store, not the series that they are computed from')];
    }
    const none = `no series of ${someOf(wanted)}`;
    return down.length > 0 ? [...down, error(none, 'fix the targets above')] : [error(none, remedyOf(wanted))];
  },
};

/** The metrics that the features of services are computed from. */
export function sourceNames({ set }: System): string[] {
  return [...new Set(set.features.flatMap(({ expr }) => metricNames(expr)))];
}

/** Those of them that have series, as classic or native histograms. */
export async function presentSources(system: System): Promise<ReadonlySet<string>> {
  const wanted = sourceNames(system);
  const stored = await system.instant(`count by (__name__) (${sourceSelector(wanted)})`);
  const names = new Set(stored.map(({ labels }) => labels['__name__'] ?? ''));
  return new Set(wanted.filter((name) => names.has(name) || names.has(nativeName(name))));
}

/** A selector of all series with one of these names. */
export function sourceSelector(names: readonly string[]): string {
  return `{__name__=~"${[...new Set(names.flatMap((name) => [name, nativeName(name)]))].join('|')}"}`;
}

/** A finding for each job with targets that cannot be scraped: Lorikeet's own, and those of the sources. */
async function downTargets(system: System): Promise<Finding[]> {
  const targets = await system.targets();
  if (targets === undefined) return [];
  const jobs = new Set(await sourceJobs(system));
  const wanted = targets.filter(({ labels: { job = '' } }) => jobs.has(job) || job === 'lorikeet-exporter');
  const down = groupBy(
    wanted.filter(({ health }) => health === 'down'),
    ({ labels }) => labels['job'] ?? '',
  );
  return [...down].map(([job, of]) => {
    const [first] = of;
    const all = wanted.filter(({ labels }) => labels['job'] === job).length;
    return warning(
      `${of.length} of ${all} targets of job ${job} are down, such as ${first?.scrapeUrl}: ${first?.lastError}`,
      'start what listens there, or correct the target in scrape_configs',
    );
  });
}

/** The jobs that the sources come from. */
export async function sourceJobs(system: System): Promise<string[]> {
  const series = await system.instant(`count by (job) (${sourceSelector(sourceNames(system))})`);
  return series.flatMap(({ labels }) => labels['job'] ?? []);
}

function remedyOf(wanted: readonly string[]): string {
  return wanted.some((name) => name.startsWith('lorikeet_'))
    ? 'start lorikeet-exporter on each node, and add manifests/prometheus/scrape-configs.yaml to scrape_configs'
    : 'scrape the exporters of these metrics, or correct their names in the features file';
}
