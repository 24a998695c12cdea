import { formatDuration } from '../../../daemon/config-file.ts';
import { SERVICE_SERIES } from '../../features/features.ts';
import { MAX_DELAY_MS } from '../../timing/feature-delay.ts';
import { type Check, error, type Finding, loggedByCycles, ok, warning } from '../check.ts';
import type { System } from '../system.ts';
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
    if (ageMs > STOPPED_INTERVALS * everyMs + system.delayMs) return [stopped(system, ageMs)];
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

function stopped({ config }: System, ageMs: number): Finding {
  const age = `the newest feature is ${seconds(ageMs)} old`;
  const since = 'no rule has been evaluated since';
  if (config.delay === undefined) {
    return warning(
      `${age}: ${since}, or they come later than the scorer waits at first`,
      'if rules are evaluated for the past, as by Mimir, the scorer finds the delay; else see the log of Prometheus',
    );
  }
  const past =
    ageMs > MAX_DELAY_MS
      ? `evaluate rules for the past, as Mimir does, by less than ${formatDuration(MAX_DELAY_MS)}`
      : `if rules are evaluated for the past, as by Mimir, set delay: ${seconds(ageMs)} or remove it`;
  return error(`${age}: ${since}, or they come later than the scorer waits`, `${past}; else see the log of Prometheus`);
}

function lateFinding({ config, delayMs }: System, lateMs: number): Finding {
  if (lateMs <= delayMs + TOLERANCE_MS)
    return ok(`the newest values are stored in time (delay ${formatDuration(delayMs)})`);
  const late = `features are stored at least ${seconds(lateMs)} late`;
  const longest = formatDuration(MAX_DELAY_MS);
  if (lateMs > MAX_DELAY_MS) {
    const message = `${late}, and the scorer waits ${longest} at most (delay)`;
    return loggedByCycles(warning(message, 'make the slowest rule group faster, or evaluate it less in the past'));
  }
  if (config.delay === undefined) return ok(`${late}: the scorer waits for them, up to ${longest}`);
  return loggedByCycles(
    warning(
      `${late}, and the scorer waits ${formatDuration(delayMs)} (delay)`,
      `remove delay, which the scorer finds itself, set it to ${seconds(Math.min(lateMs + delayMs, MAX_DELAY_MS))}, ` +
        'or make the slowest rule group faster',
    ),
  );
}

/** Rounded up to whole seconds. */
function seconds(ms: number): string {
  return formatDuration(Math.ceil(ms / 1000) * 1000);
}
