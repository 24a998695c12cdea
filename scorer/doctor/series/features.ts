import { formatDuration } from '../../../daemon/config-file.ts';
import { CHANNELS, type Feature, SERVICE_SERIES } from '../../features/features.ts';
import { type Check, error, loggedByCycles, ok, someOf, warning } from '../check.ts';
import { groupBy } from '../group-by.ts';
import { metricNames } from './metric-names.ts';
import { presentSources } from './sources.ts';

/** The recorded series: which features have values, in which windows. */
export const features: Check = {
  name: 'features',
  about: 'every feature of the features file has recent values, in each window',
  queries: true,
  async run(system) {
    const { set } = system;
    const series = await system.instant(`count by (feature, channel) (${system.recent()})`);
    const channels = groupBy(series, ({ labels }) => labels['feature'] ?? '');
    const has = ({ name }: Feature, channel: string) =>
      channels.get(name)?.some(({ labels }) => labels['channel'] === channel) === true;
    const present = set.features.filter(({ name }) => channels.has(name));
    if (present.length === 0) {
      const span = formatDuration(system.recentMs);
      return [error(`no feature has had a value in the last ${span} (${SERVICE_SERIES})`, 'see sources and rules')];
    }
    const tooShort = (await system.emptyWindows()).map(({ windowMs }) => windowMs);
    const findings = CHANNELS.flatMap((channel, index) => {
      const lacking = present.filter((feature) => !has(feature, channel));
      if (lacking.length === 0) return [];
      const window = formatDuration(set.windows[index] ?? 0);
      const message = `${lacking.length} of ${present.length} features have no value in the window of ${window}`;
      const names = lacking.length === present.length ? '' : `: ${someOf(lacking.map(({ name }) => name))}`;
      const found = warning(message + names, 'scrape more often, or render the rules with longer windows');
      return [tooShort.includes(set.windows[index] ?? NaN) ? loggedByCycles(found) : found];
    });
    const missing = set.features.filter(({ name }) => !channels.has(name));
    if (missing.length > 0) {
      const stored = await presentSources(system);
      const without = missing.map(({ name, expr }) => {
        const absent = metricNames(expr).filter((metric) => !stored.has(metric));
        return absent.length === 0 ? name : `${name} (no ${absent[0]})`;
      });
      const message = `${missing.length} of ${set.features.length} features have no values: ${someOf(without)}`;
      findings.push(warning(message, 'scrape what they are computed from, or remove them from the features file'));
    }
    return findings.length > 0 ? findings : [ok(`all ${present.length} features have values`)];
  },
};
