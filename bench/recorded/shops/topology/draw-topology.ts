import { Random } from '../../../../scorer/numeric/random.ts';
import { lasting } from '../laws/duration.ts';
import { drawGraph, type Link, type Node } from './draw-graph.ts';
import { Draws } from './draws.ts';
import type { Call, Kind, Runs, ShopService, Topology } from './topology.ts';

const MEBIBYTE = 2 ** 20;
const HOUR = 3600;
/** Sizes of shops: any of them as likely by factor, so that small ones are as frequent as large ones. */
export const SIZES = [10, 60] as const;
/** Timeouts as people set them, seconds. */
const TIMEOUTS = [0.25, 0.5, 1, 2, 5, 10];
const RETRIES = [0, 0, 1, 1, 2];
const REPLICAS = [1, 1, 1, 2, 2, 3, 3, 5, 6];
/** Replicas of the largest service: one of them may be bad. */
const MANY_REPLICAS = 5;
/** Share of the hits of a cache at which its database is planned. */
const PLANNED_MISSES = 0.25;

/** Milliseconds of processor, of pauses, and MiB, each by kind: from, to. */
const RANGES: Readonly<Record<Kind, readonly [cpu: Range, pause: Range, memory: Range]>> = {
  entry: [
    [1, 5],
    [0.3, 2],
    [80, 400],
  ],
  job: [
    [1, 4],
    [0.5, 5],
    [60, 200],
  ],
  service: [
    [0.6, 8],
    [0.3, 25],
    [50, 600],
  ],
  idle: [
    [1, 8],
    [0.5, 40],
    [40, 200],
  ],
  queue: [
    [0.05, 0.2],
    [0.1, 0.5],
    [100, 400],
  ],
  worker: [
    [2, 10],
    [1, 20],
    [60, 300],
  ],
  cache: [
    [0.03, 0.12],
    [0.02, 0.1],
    [100, 800],
  ],
  database: [
    [0.2, 2.5],
    [0.5, 8],
    [300, 2000],
  ],
};
type Range = readonly [number, number];

const PORTS: Readonly<Partial<Record<Kind, number>>> = { queue: 5672, cache: 6379, database: 5432 };

/** Draws a shop. @param size number of services; undefined: drawn as well */
export function drawTopology(seed: number, size?: number): Topology {
  const draws = new Draws(new Random(seed));
  const drawn = Math.round(draws.byFactor(...SIZES));
  const nodes = drawGraph(draws, size ?? drawn);
  const rates = new Map<Node, number>();
  const calls = new Map<Node, { readonly link: Link; readonly each: number }[]>();
  for (const node of nodes) {
    if (node.kind === 'entry') rates.set(node, draws.byFactor(15, 80));
    if (node.kind === 'job') rates.set(node, draws.between(3, 15));
    const rate = rates.get(node) ?? 0;
    const each = node.calls.map((link) => ({ link, each: link.perSecond === true ? link.each / rate : link.each }));
    calls.set(node, each);
    // A job's load comes on top.
    if (node.kind === 'job') continue;
    for (const { link, each: number } of each) {
      // A worker takes what is in the queue, which was added to its rate.
      if (node.kind === 'worker' && link.server.kind === 'queue') continue;
      const planned = link.behind === undefined ? number : PLANNED_MISSES * number;
      rates.set(link.server, (rates.get(link.server) ?? 0) + rate * planned);
    }
    if (node.kind === 'queue') {
      const consumer = nodes.find(
        (other) => other.kind === 'worker' && other.calls.some(({ server }) => server === node),
      );
      if (consumer !== undefined) rates.set(consumer, rate);
    }
  }
  const day = { night: draws.between(0.15, 0.4), peakHour: draws.between(12, 16) };
  const largest = draws.one(nodes.filter(({ kind }) => kind === 'service'));
  const seconds = new Map<Node, number>();
  const services: ShopService[] = [];
  // Callees first: timeouts and workers follow how long they take.
  for (const node of nodes.toReversed()) {
    const rate = rates.get(node) ?? 0;
    const replicas = node === largest ? MANY_REPLICAS : replicasOf(draws, node.kind);
    services.unshift(drawService(draws, node, { rate, replicas, calls: calls.get(node) ?? [], seconds }));
  }
  return { services, day };
}

function replicasOf(draws: Draws, kind: Kind): number {
  if (kind === 'entry') return draws.whole(2, 5);
  if (kind === 'service') return draws.one(REPLICAS);
  return kind === 'worker' ? draws.whole(1, 2) : 1;
}

interface Planned {
  readonly rate: number;
  readonly replicas: number;
  readonly calls: readonly { readonly link: Link; readonly each: number }[];
  /** Of the callees; the service adds its own. */
  readonly seconds: Map<Node, number>;
}

function drawService(draws: Draws, node: Node, { rate, replicas, calls, seconds }: Planned): ShopService {
  const { kind, name } = node;
  const [cpuRange, pauseRange, memoryRange] = RANGES[kind];
  const cpu = draws.byFactor(...cpuRange) / 1000;
  // Few services wait for something slow outside of the shop.
  const pause = (draws.byFactor(...pauseRange) / 1000) * (kind === 'service' && draws.happens(0.1) ? 10 : 1);
  const cores = Math.max(0.2, Math.ceil((10 * rate * cpu) / replicas / draws.between(0.2, 0.55)) / 10);
  const parallel = draws.happens(0.25);
  const waits = calls.reduce((sum, { link, each }) => sum + each * (seconds.get(link.server) ?? 0), 0);
  const hold = cpu / Math.min(1, cores) + pause + waits;
  seconds.set(node, hold);
  return {
    name,
    kind,
    replicas,
    cores,
    cpu: lasting(cpu, draws.between(0.4, 1.2)),
    pause: lasting(pause, draws.between(0.3, 1)),
    workers: Math.max(4, Math.ceil((rate / replicas) * hold * draws.between(3, 10))),
    memoryBytes: Math.round(draws.byFactor(...memoryRange) * MEBIBYTE),
    requestBytes: Math.round(draws.byFactor(150, 1500)),
    responseBytes: Math.round(draws.byFactor(300, 15_000)),
    errorBytes: Math.round(draws.between(120, 260)),
    port: PORTS[kind] ?? 8080,
    calls: calls.map(({ link, each }) => drawCall(draws, link, each, seconds)),
    parallel,
    rate: kind === 'entry' || kind === 'job' ? rate : 0,
    ...(kind === 'job' && { runs: drawRuns(draws, name) }),
    ...(kind === 'cache' && { entries: Math.round(draws.byFactor(500, 10_000)) }),
  };
}

function drawCall(draws: Draws, { server, behind }: Link, each: number, seconds: ReadonlyMap<Node, number>): Call {
  const usual = (seconds.get(server) ?? 0) * draws.between(8, 25);
  return {
    server: server.name,
    each,
    timeout: TIMEOUTS.find((timeout) => timeout >= usual) ?? TIMEOUTS.at(-1)!,
    retries: draws.one(RETRIES),
    needed: server.kind !== 'cache' && server.kind !== 'queue' && draws.happens(0.85),
    ...(behind !== undefined && { behind: behind.name }),
  };
}

function drawRuns(draws: Draws, name: string): Runs {
  if (name.startsWith('nightly')) {
    return {
      from: Math.round(draws.between(1, 4) * HOUR),
      lasting: Math.round(draws.between(8, 25)) * 60,
      every: 24 * HOUR,
    };
  }
  return { from: draws.whole(0, 59) * 60, lasting: draws.whole(2, 5) * 60, every: HOUR };
}
