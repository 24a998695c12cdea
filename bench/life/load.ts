import type { Event, Scenario } from './scenario.ts';

const MINUTE_MS = 60_000;
const DAY_HOURS = 24;
const LEAST_HOUR = 4;
const SATURDAY = 5;
/** A multiplier that is coprime to 10, to choose a minute of each ten. */
const SCATTER = 7919;

/** Load of the whole shop at a minute of its life, relative to a usual afternoon. */
export function loadAt({ begins, load }: Scenario, minute: number): number {
  const { silent, busy_minutes_of_ten: busy, clock_change: clock } = load;
  const setOn = clock !== undefined && minute >= clock.at / MINUTE_MS ? clock.hours : 0;
  const hours = begins + minute / 60 + setOn;
  const hour = hours % DAY_HOURS;
  if (silent !== undefined && hour >= silent[0] && hour < silent[1]) return 0;
  if (busy !== undefined && !isBusy(minute, busy)) return 0;
  const day = (1 - Math.cos((2 * Math.PI * (hour - LEAST_HOUR)) / DAY_HOURS)) / 2;
  const weekend = Math.floor(hours / DAY_HOURS) % 7 >= SATURDAY ? load.weekend : 1;
  return (load.night + (1 - load.night) * day) * weekend;
}

/** True for the busy minutes of each ten, which begin at another minute in each. */
function isBusy(minute: number, busy: number): boolean {
  const ten = Math.floor(minute / 10);
  return (minute + ((ten * ten * SCATTER) % 10)) % 10 < busy;
}

/** What acts on a service: factors, the share of failed calls to it, and whether it is there and seen. */
export interface TotalChange {
  load: number;
  capacity: number;
  latency: number;
  cpu: number;
  memory: number;
  bytes: number;
  failures: number;
  network: number;
  present: boolean;
  scraped: boolean;
}

/** A service's change at a minute: the product of all events that act on it. */
export function changeAt({ events }: Scenario, service: string, minute: number): TotalChange {
  const total: TotalChange = {
    load: 1,
    capacity: 1,
    latency: 1,
    cpu: 1,
    memory: 1,
    bytes: 1,
    failures: 0,
    network: 0,
    present: true,
    scraped: true,
  };
  for (const event of events) {
    if (event.service !== 'all' && event.service !== service) continue;
    const share = shareOf(event, minute);
    if (share === undefined) continue;
    const { failures = 0, network = 0, present = true, scraped = true, ...factors } = event.change;
    for (const [name, factor] of Object.entries(factors) as [keyof typeof factors, number][]) {
      total[name] *= event.grows ? factor ** share : factor;
    }
    total.failures = Math.max(total.failures, failures);
    total.network = Math.max(total.network, network);
    total.present &&= present;
    total.scraped &&= scraped;
  }
  return total;
}

/** How far an event has come, 0 to 1; undefined if it doesn't act. What has grown stays. */
function shareOf({ at, for: length, every, grows }: Event, minute: number): number | undefined {
  const since = minute - at / MINUTE_MS;
  if (since < 0) return undefined;
  const within = every === undefined ? since : since % (every / MINUTE_MS);
  if (length === undefined) return 1;
  const share = within / (length / MINUTE_MS);
  if (share < 1) return share;
  return grows && every === undefined ? 1 : undefined;
}

/** Minutes of life in which a fault acts, for each of its repetitions: first included, end excluded. */
export function faultMinutes(event: Event, minutes: number): [number, number][] {
  const { at, for: length = minutes * MINUTE_MS, every } = event;
  const first = at / MINUTE_MS;
  const starts = every === undefined ? [first] : range(first, minutes, every / MINUTE_MS);
  return starts.map((start) => [start, Math.min(minutes, start + length / MINUTE_MS)]);
}

function range(from: number, to: number, by: number): number[] {
  return Array.from({ length: Math.ceil((to - from) / by) }, (_, index) => from + index * by);
}
