/**
 * Measures the effect of monitoring on services: throughput of a saturated nginx and latency of a small exchange, with
 * Lorikeet's exporter, with the design that preceded it, and with neither.
 */
import { median } from '../../../scorer/numeric/statistics.ts';
import { isInstalled } from '../subjects/installed.ts';
import { AS_FAST_AS_POSSIBLE, Load, type Done, type Pace } from '../site/load.ts';
import { Nginx, type Saturated } from '../site/nginx.ts';
import { ANCESTOR, ancestor } from '../subjects/peers.ts';
import { rowsOf, type Points, type Row } from '../results.ts';
import { atSite, type Site } from '../site/site.ts';
import { withTracefs } from '../counters/tracefs.ts';
import { lorikeet, type WatcherKind } from '../subjects/watcher.ts';

const ROUNDS = 4;
const SECONDS = 1;
const UNWATCHED = 'not watched';
/** One small message at a time: the next is sent after the response. */
const PING_PONG: Pace = {
  kept: 1,
  requestsPerSecond: AS_FAST_AS_POSSIBLE,
  connectionsPerSecond: 0,
  seconds: SECONDS / 2,
};

interface Turn {
  readonly keptAlive: Saturated;
  readonly closed: Saturated;
  readonly exchange: Done;
}

async function measure(nginx: Nginx, load: Load): Promise<Turn> {
  const keptAlive = await nginx.saturate(SECONDS, { keepAlive: true });
  const closed = await nginx.saturate(SECONDS, { keepAlive: false });
  return { keptAlive, closed, exchange: await load.run(PING_PONG) };
}

async function measureWatched(nginx: Nginx, load: Load, kind: WatcherKind | undefined): Promise<Turn> {
  const watcher = await kind?.start();
  try {
    return await measure(nginx, load);
  } finally {
    await watcher?.stop();
  }
}

type Turns = ReadonlyMap<string | undefined, readonly Turn[]>;

function pointsOf(turns: Turns, value: (turn: Turn) => number): Points {
  return new Map([...turns].map(([peer, all]) => [peer, all.map(value)]));
}

/**
 * The remaining share of the throughput in percent, derived from the CPU time per request of both ends: the throughput
 * itself depends more on other load of the machine.
 */
function shares(turns: Turns, value: (turn: Turn) => number): Points {
  const unwatched = median((turns.get(UNWATCHED) ?? []).map(value));
  const watched = new Map([...turns].filter(([peer]) => peer !== UNWATCHED));
  return pointsOf(watched, (turn) => (100 * unwatched) / value(turn));
}

function saturatedRows(what: string, turns: Turns, of: (turn: Turn) => Saturated): readonly Row[] {
  return [
    ...rowsOf(
      `saturated nginx, ${what}`,
      'requests/s',
      pointsOf(turns, (turn) => of(turn).requestsPerSecond),
    ),
    ...rowsOf(
      `processor time of nginx and wrk for a request, ${what}`,
      'us',
      pointsOf(turns, (turn) => of(turn).cpuUs),
    ),
    ...rowsOf(
      `share of the throughput left, ${what}`,
      '%',
      shares(turns, (turn) => of(turn).cpuUs),
    ),
  ];
}

function rowsFrom(turns: Turns): readonly Row[] {
  return [
    ...saturatedRows('connections kept alive', turns, ({ keptAlive }) => keptAlive),
    ...saturatedRows('a connection a request', turns, ({ closed }) => closed),
    ...rowsOf(
      'small exchange, p50',
      'us',
      pointsOf(turns, ({ exchange }) => exchange.p50Us),
    ),
    ...rowsOf(
      'small exchange, p99',
      'us',
      pointsOf(turns, ({ exchange }) => exchange.p99Us),
    ),
  ];
}

async function measureKinds(
  site: Site,
  load: Load,
  kinds: ReadonlyMap<string | undefined, WatcherKind | undefined>,
): Promise<readonly Row[]> {
  const turns = new Map([...kinds.keys()].map((peer) => [peer, [] as Turn[]]));
  const nginx = await Nginx.start(site);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      // Reverse the order every second time, so that a drift of the machine's speed does not favour one of them.
      const order = round % 2 === 0 ? [...kinds] : [...kinds].reverse();
      for (const [peer, kind] of order) turns.get(peer)?.push(await measureWatched(nginx, load, kind));
    }
  } finally {
    await nginx.stop();
  }
  return rowsFrom(turns);
}

export async function measureThroughput(): Promise<readonly Row[]> {
  if (![isInstalled('nginx', 'nginx-light'), isInstalled('wrk', 'wrk')].every(Boolean)) return [];
  return atSite((site) => {
    const kinds = new Map([
      [undefined, lorikeet(site)],
      [ANCESTOR, ancestor(site)],
      [UNWATCHED, undefined],
    ]);
    return withTracefs(() => Load.during(site, (load) => measureKinds(site, load, kinds)));
  });
}
