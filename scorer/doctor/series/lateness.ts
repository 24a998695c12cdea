import { formatDuration } from '../../../daemon/config-file.ts';
import { SERVICE_SERIES } from '../../features/features.ts';
import { type Check, error, type Finding, ok, warning } from '../check.ts';
import type { System } from '../system.ts';
import { cycleDelay } from '../timing.ts';
import { recordingGroups } from './rules.ts';

/** Intervals without a new value after which the features have stopped. */
const STOPPED_INTERVALS = 3;
/** The time of the requests, and of an evaluation that a busy machine begins late. */
const TOLERANCE_MS = 2000;

/** How late the features come: a value that is stored after the cycle of its step is not scored in it. */
export const lateness: Check = {
  name: 'lateness',
  about: 'the features are stored before the cycle that reads them (`delay`)',
  queries: true,
  async run(system) {
    const newestMs = await newestTime(system);
    if (newestMs === undefined) return [ok('there are no features yet')];
    const groups = await recordingGroups(system);
    const { interval } = system.config;
    const everyMs = Math.max(interval, ...groups.map((group) => (group.interval ?? 0) * 1000));
    const ageMs = (await system.now()) - newestMs;
    if (ageMs > STOPPED_INTERVALS * everyMs + cycleDelay(system.config)) {
      return [stopped(ageMs)];
    }
    const slow = Math.max(0, ...groups.map((group) => (group.evaluationTime ?? 0) * 1000));
    // The newest value is at most an interval old when it is stored.
    return [lateFinding(system, Math.max(ageMs - everyMs, slow))];
  },
};

/**
 * Time of the newest value of any feature of one service, milliseconds. Of its samples: an instant query of
 * VictoriaMetrics leaves out the newest 30 s.
 */
async function newestTime(system: System): Promise<number | undefined> {
  const [example] = await system.instant(`topk(1, count by (${system.identity.join(', ')}) (${system.recent()}))`);
  if (example === undefined) return undefined;
  const series = await system.samples(system.selector(SERVICE_SERIES, example.labels), system.recentMs);
  const times = series.flatMap(({ timestamps }) => timestamps.at(-1) ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}

function stopped(ageMs: number): Finding {
  return error(
    `the newest feature is ${seconds(ageMs)} old: no rule has been evaluated since, or they come later than the scorer waits`,
    `if rules are evaluated for the past, as by Mimir, set delay: ${seconds(ageMs)}; else see the log of Prometheus`,
  );
}

function lateFinding({ config }: System, lateMs: number): Finding {
  const delayMs = cycleDelay(config);
  if (lateMs <= delayMs + TOLERANCE_MS)
    return ok(`the newest values are stored in time (delay ${formatDuration(delayMs)})`);
  return warning(
    `features are stored at least ${seconds(lateMs)} late, and the scorer waits ${formatDuration(delayMs)} (delay)`,
    `set delay: ${seconds(lateMs + delayMs)}, or make the slowest rule group faster`,
  );
}

/** Rounded up to whole seconds. */
function seconds(ms: number): string {
  return formatDuration(Math.ceil(ms / 1000) * 1000);
}
