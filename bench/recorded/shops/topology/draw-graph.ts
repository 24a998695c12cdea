import type { Draws } from './draws.ts';
import { nameOf } from './names.ts';
import { type Kind, KINDS } from './topology.ts';

/** A service in the graph of calls. */
export interface Node {
  readonly name: string;
  readonly kind: Kind;
  readonly calls: Link[];
}

export interface Link {
  readonly server: Node;
  /** Calls for each request; a rate per second where `perSecond`. */
  readonly each: number;
  readonly perSecond?: boolean;
  readonly behind?: Node | undefined;
}

/** How many services of each kind a shop of some size has. */
function numbersOf(size: number): Readonly<Record<Kind, number>> {
  const share = (of: number, least: number) => Math.max(least, Math.round(of * size));
  const others = {
    entry: size < 18 ? 1 : size < 40 ? 2 : 3,
    job: size < 16 ? 1 : 2,
    idle: share(0.05, 1),
    queue: share(0.04, 1),
    worker: share(0.04, 1),
    cache: share(0.07, 1),
    database: share(0.16, 2),
  };
  const counted = Object.values(others).reduce((sum, count) => sum + count, 0);
  return { ...others, service: Math.max(2, size - counted) };
}

/** Draws who asks whom. @returns callers before callees */
export function drawGraph(draws: Draws, size: number): Node[] {
  const numbers = numbersOf(size);
  const of = Object.fromEntries(
    KINDS.map((kind) => [
      kind,
      Array.from({ length: numbers[kind] }, (_, index): Node => ({ name: nameOf(kind, index), kind, calls: [] })),
    ]),
  ) as unknown as Record<Kind, Node[]>;
  linkServices(draws, of);
  linkDatabases(draws, of);
  for (const idle of of.idle) draws.one(of.service).calls.push({ server: idle, each: 0.1, perSecond: true });
  linkQueues(draws, of);
  for (const job of of.job) job.calls.push({ server: draws.one([...of.database, ...of.service]), each: 1 });
  return KINDS.flatMap((kind) => of[kind]);
}

/** Services in order: each is asked by entries or by services before it, the first ones by entries alone. */
function linkServices(draws: Draws, { entry, service }: Record<Kind, Node[]>): void {
  const first = Math.max(1, Math.round(service.length / draws.between(2, 4)));
  for (const [index, node] of service.entries()) {
    const earlier = index < first ? entry : service.slice(0, index);
    const callers = draws.some(earlier, draws.happens(0.3) ? 2 : 1);
    for (const caller of callers) caller.calls.push({ server: node, each: draws.byFactor(0.2, 1.2) });
  }
  // An entry that asks nobody would be a shop of its own.
  for (const node of entry) {
    if (node.calls.length === 0) node.calls.push({ server: draws.one(service), each: draws.between(0.3, 1) });
  }
}

/** Each database has services that ask it, some of them with a cache in front of it; each cache has one such service. */
function linkDatabases(draws: Draws, { service, idle, cache, database }: Record<Kind, Node[]>): void {
  for (const node of database) {
    for (const client of draws.some(service, draws.whole(1, 3))) {
      client.calls.push({ server: node, each: draws.between(0.6, 2.5) });
    }
  }
  for (const node of idle) if (draws.happens(0.5)) node.calls.push({ server: draws.one(database), each: 1 });
  for (const node of cache) {
    const client = draws.one(service);
    const behind = draws.one(database);
    const each = draws.between(0.8, 2);
    const direct = client.calls.findIndex(({ server }) => server === behind);
    if (direct >= 0) client.calls.splice(direct, 1);
    client.calls.push({ server: node, each }, { server: behind, each, behind: node });
  }
}

function linkQueues(draws: Draws, { service, queue, worker, database }: Record<Kind, Node[]>): void {
  for (const [index, node] of queue.entries()) {
    for (const client of draws.some(service, draws.whole(1, 2))) {
      client.calls.push({ server: node, each: draws.between(0.1, 0.6) });
    }
    const consumer = worker[index]!;
    consumer.calls.push({ server: node, each: 1 }, { server: draws.one(database), each: draws.between(0.5, 1.5) });
  }
}
