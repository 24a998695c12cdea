/**
 * Measures what services lose while they are watched: throughput of a saturated nginx and latency of a small exchange,
 * with Lorikeet's exporter, with the design that it descends from, and with neither.
 */
import { isInstalled } from './installed.ts';
import { AS_FAST_AS_POSSIBLE, Load, type Pace } from './load.ts';
import { Nginx } from './nginx.ts';
import { ANCESTOR, ancestor } from './peers.ts';
import { rowsOf, type Points, type Row } from './results.ts';
import { atSite, type Site } from './site.ts';
import { withTracefs } from './tracefs.ts';
import { lorikeet, type WatcherKind } from './watcher.ts';

const ROUNDS = 6;
const SECONDS = 2;
const UNWATCHED = 'not watched';
/** One small message to and fro, the next when it has come back. */
const PING_PONG: Pace = { kept: 1, requestsPerSecond: AS_FAST_AS_POSSIBLE, connectionsPerSecond: 0, seconds: 1 };

interface Turn {
  readonly keptAlive: number;
  readonly closed: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

async function measure(nginx: Nginx, load: Load): Promise<Turn> {
  const keptAlive = await nginx.saturate(SECONDS, { keepAlive: true });
  const closed = await nginx.saturate(SECONDS, { keepAlive: false });
  const { p50Us, p99Us } = await load.run(PING_PONG);
  return { keptAlive, closed, p50Us, p99Us };
}

async function measureWatched(nginx: Nginx, load: Load, kind: WatcherKind | undefined): Promise<Turn> {
  const watcher = await kind?.start();
  try {
    return await measure(nginx, load);
  } finally {
    await watcher?.stop();
  }
}

/** The share of the throughput that is left, in percent: each turn beside the unwatched one of its round. */
function shares(turns: ReadonlyMap<string | undefined, readonly Turn[]>, key: 'keptAlive' | 'closed'): Points {
  const unwatched = turns.get(UNWATCHED) ?? [];
  const watched = [...turns].filter(([peer]) => peer !== UNWATCHED);
  const share = (turn: Turn, round: number) => (100 * turn[key]) / (unwatched[round]?.[key] ?? NaN);
  return new Map(watched.map(([peer, all]) => [peer, all.map(share)]));
}

function rowsFrom(turns: ReadonlyMap<string | undefined, readonly Turn[]>): readonly Row[] {
  const of = (key: keyof Turn): Points =>
    new Map([...turns].map(([peer, all]) => [peer, all.map((turn) => turn[key])]));
  return [
    ...rowsOf('saturated nginx, connections kept alive', 'requests/s', of('keptAlive')),
    ...rowsOf('share of the throughput left, connections kept alive', '%', shares(turns, 'keptAlive')),
    ...rowsOf('saturated nginx, a connection a request', 'requests/s', of('closed')),
    ...rowsOf('share of the throughput left, a connection a request', '%', shares(turns, 'closed')),
    ...rowsOf('small exchange, p50', 'us', of('p50Us')),
    ...rowsOf('small exchange, p99', 'us', of('p99Us')),
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
      // From the other end every second time, so that a machine that gets slower favours nobody.
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
