import { formatDuration, parseDuration } from '../../../daemon/config-file.ts';
import { EDGE_SERIES, SERVICE_SERIES } from '../../features/features.ts';
import { selectorOfAll } from '../../prometheus/selector.ts';
import { type Check, type Finding, ok, warning } from '../check.ts';
import type { System } from '../system.ts';

/** Steps of the largest query of a cycle, which follows a start. */
const STEPS_PER_QUERY = 10;

/** Limits of the server that the scorer's queries and its learning run into. */
export const limits: Check = {
  name: 'limits',
  about: 'the limits of queries and the retention suffice for the fleet and `learning.history`',
  queries: true,
  async run(system) {
    const [samples, retention] = await Promise.all([samplesFinding(system), retentionFinding(system)]);
    return [samples, retention];
  },
};

async function samplesFinding(system: System): Promise<Finding> {
  const max = Number((await system.api.flags())?.['query.max-samples']);
  if (!Number.isFinite(max)) return ok('the server does not tell its limits');
  const { matchers } = system.config.prometheus;
  const counts = await system.instant(
    `max(sum by (__name__, feature) (${system.recent(selectorOfAll([SERVICE_SERIES, EDGE_SERIES], matchers))}))`,
  );
  // A query that exceeds a limit is split into one for each feature, and no further.
  const steps = system.recentMs / system.config.interval;
  const largest = Math.round(((counts[0]?.value ?? 0) / steps) * STEPS_PER_QUERY);
  if (largest <= max) return ok(`--query.max-samples=${max} suffices`);
  return warning(
    `a query after a start needs ${largest} samples, and --query.max-samples is ${max}`,
    `raise --query.max-samples to ${2 * largest}, or divide the fleet with shard.count`,
  );
}

async function retentionFinding({ api, config: { learning } }: System): Promise<Finding> {
  const text = (await api.runtimeInfo())?.storageRetention;
  const retention = parseDuration(text?.split(' ')[0] ?? '');
  if (text === undefined || retention === undefined || retention === 0) {
    return ok('the server does not tell its retention');
  }
  if (retention >= learning.history) return ok(`the retention (${text}) covers learning.history`);
  return warning(
    `the retention (${text}) is shorter than learning.history (${formatDuration(learning.history)})`,
    'raise --storage.tsdb.retention.time, or lower learning.history',
  );
}
