/**
 * Measures the cost of monitoring a machine with busy services: CPU time of the monitoring program and of its BPF
 * programs, for Lorikeet's exporter, for the design that preceded it, and for public tools.
 */
import { setInterval } from 'node:timers';
import { costsBetween, programCosts, totalNs, withStatistics } from '../counters/bpf-programs.ts';
import { Load, type Pace } from '../site/load.ts';
import { ancestor, publicPeers } from '../subjects/peers.ts';
import { processorTime } from '../counters/processor-time.ts';
import { rowsOf, type Row } from '../results.ts';
import { atSite } from '../site/site.ts';
import { withTracefs } from '../counters/tracefs.ts';
import { lorikeet, type Watcher, type WatcherKind } from '../subjects/watcher.ts';

const ROUNDS = 3;
const SECONDS = 8;
/** Shorter than Prometheus' usual interval of 15 s or a minute, so the result is an upper bound. */
const SCRAPE_MS = 4000;

const PACES: Readonly<Record<string, Pace>> = {
  // Tools that count connections do not see requests on open connections.
  '10,000 requests/s and 1,000 connections/s': {
    kept: 50,
    requestsPerSecond: 10_000,
    connectionsPerSecond: 1000,
    seconds: SECONDS,
  },
  '10,000 connections/s': { kept: 0, requestsPerSecond: 0, connectionsPerSecond: 10_000, seconds: SECONDS },
};

/** CPU time in millicores, and lost events. */
interface Cost {
  readonly user: number;
  readonly system: number;
  readonly bpf: number;
  readonly total: number;
  readonly lost: number | undefined;
  readonly series: number | undefined;
  /** The load that was reached. */
  readonly connections: number;
}

async function measure(load: Load, { start }: WatcherKind, pace: Pace): Promise<Cost> {
  const watcher = await start();
  let lost: number | undefined;
  let measured: Omit<Cost, 'lost'>;
  try {
    measured = await measureRun(load, watcher, pace);
  } finally {
    lost = await watcher.stop();
  }
  return { ...measured, lost };
}

async function measureRun(load: Load, { pid, scrape, series }: Watcher, pace: Pace): Promise<Omit<Cost, 'lost'>> {
  const failures: unknown[] = [];
  const scrapes = scrape && setInterval(() => void scrape().catch((error: unknown) => failures.push(error)), SCRAPE_MS);
  const programs = programCosts(pid);
  const time = processorTime(pid);
  const { seconds, connections } = await load.run(pace);
  const used = processorTime(pid);
  const ns = totalNs(costsBetween(programs, programCosts(pid)));
  clearInterval(scrapes);
  if (failures.length > 0) throw failures[0];
  const user = (used.user - time.user) / seconds;
  const system = (used.system - time.system) / seconds;
  const bpf = ns / 1e6 / seconds;
  // Programs of iterators run in the process and are counted twice; that is 0.1 % of the total.
  return {
    user,
    system,
    bpf,
    total: user + system + bpf,
    series: await series?.(),
    connections: connections / seconds,
  };
}

function rowsAt(name: string, { kept }: Pace, costs: ReadonlyMap<string | undefined, readonly Cost[]>): readonly Row[] {
  const of = (what: string, unit: string, value: (cost: Cost) => number | undefined): readonly Row[] => {
    const points = new Map(
      [...costs].map(([peer, all]) => [peer, all.map(value).filter((one) => one !== undefined)] as const),
    );
    return rowsOf(`${what}, ${name}`, unit, new Map([...points].filter(([, values]) => values.length > 0)));
  };
  return [
    ...of('processor time in all', 'mCPU', ({ total }) => total),
    ...of('processor time, user', 'mCPU', ({ user }) => user),
    ...of('processor time, system', 'mCPU', ({ system }) => system),
    ...of('processor time, BPF', 'mCPU', ({ bpf }) => bpf),
    // Includes both ends of a connection, which are local. Not with requests, whose time would be included.
    ...(kept > 0 ? [] : of('BPF time of a connection', 'ns', ({ bpf, connections }) => (bpf * 1e6) / connections)),
    ...of('series served', 'series', ({ series }) => series),
    ...of('events lost', 'events', ({ lost }) => lost),
    ...of('connections served', 'connections/s', ({ connections }) => connections),
  ];
}

async function measureKinds(load: Load, kinds: readonly WatcherKind[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [name, pace] of Object.entries(PACES)) {
    const costs = new Map(kinds.map(({ peer }) => [peer, [] as Cost[]]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const kind of kinds) costs.get(kind.peer)?.push(await measure(load, kind, pace));
    }
    rows.push(...rowsAt(name, pace, costs));
  }
  return rows;
}

export async function measureCpu(): Promise<readonly Row[]> {
  return atSite((site) => {
    const kinds = [lorikeet(site), ancestor(site), ...publicPeers()];
    return withTracefs(() => withStatistics(() => Load.during(site, (load) => measureKinds(load, kinds))));
  });
}
