import type { Draws } from '../topology/draws.ts';
import type { Kind, ShopService, Topology } from '../topology/topology.ts';
import type { ShopFault } from './fault.ts';

const MINUTE = 60;
/** From the end of a fault to the next one: its minutes stay in the longest window. */
const PAUSE = 25 * MINUTE;

/** The kinds of fault, in the order of tables. */
export const FAULT_TYPES = [
  'latency',
  'cpu',
  'memory',
  'crash',
  'errors',
  'partial_errors',
  'bad_replica',
  'slow_latency',
  'slow_leak',
  'edge_delay',
  'edge_loss',
  'two_at_a_time',
] as const;
export type FaultType = (typeof FAULT_TYPES)[number];

const SLOW_SECONDS = 35 * MINUTE;
/** The second of two faults starts this long after the first, which goes on. */
const SECOND_AFTER = 6 * MINUTE;
/** What may be the second, or the first, of two. */
const SINGLE = ['latency', 'cpu', 'errors', 'crash'] as const;

/**
 * Draws faults one after another, each type once in every round, from `from` until there is no time left.
 *
 * @param from seconds since the start of the recording
 */
export function drawFaults(draws: Draws, topology: Topology, from: number, to: number): ShopFault[] {
  const faults: ShopFault[] = [];
  for (let at = from; ;) {
    for (const type of draws.shuffled(FAULT_TYPES)) {
      const drawn = drawType(draws, topology, type, at);
      const end = Math.max(...drawn.map((fault) => fault.to));
      if (end + PAUSE > to) return faults;
      faults.push(...drawn);
      at = end + PAUSE + draws.whole(0, 4) * MINUTE;
    }
  }
}

function drawType(draws: Draws, topology: Topology, type: FaultType, from: number): ShopFault[] {
  // Faults begin at any second, not at the minutes of the cycles.
  const start = from + draws.whole(0, 3) * 15;
  if (type !== 'two_at_a_time') return [drawFault(draws, topology, type, start, draws.whole(6, 10) * MINUTE)];
  const [first, second] = draws.some(SINGLE, 2) as [FaultType, FaultType];
  const lasting = draws.whole(12, 14) * MINUTE;
  const one = drawFault(draws, topology, first, start, lasting);
  const others = topology.services.filter(({ name }) => name !== one.service);
  const later = start + SECOND_AFTER;
  const other = drawFault(draws, { ...topology, services: others }, second, later, lasting - SECOND_AFTER);
  return [
    { ...one, type: 'first_of_two' },
    { ...other, type: 'second_of_two' },
  ];
}

type Drawn = Pick<ShopFault, 'service' | 'harm' | 'amount'> & Partial<ShopFault>;

function drawFault(draws: Draws, topology: Topology, type: FaultType, from: number, lasting: number): ShopFault {
  const drawn = drawHarm(draws, topology, type);
  const seconds = type.startsWith('slow_') ? SLOW_SECONDS : lasting;
  return { type, from, to: from + seconds, grows: false, ...drawn };
}

/** Where a fault is, and how much. Amounts were chosen before any shop was evaluated. */
function drawHarm(draws: Draws, topology: Topology, type: FaultType): Drawn {
  const asked: readonly Kind[] = ['entry', 'service', 'idle', 'cache', 'database'];
  const service = (kinds: readonly Kind[] = asked) => anyOf(draws, topology, kinds).name;
  switch (type) {
    case 'latency':
      return { service: service(), harm: 'slow', amount: draws.byFactor(0.03, 0.4) };
    case 'cpu':
      return { service: service([...asked, 'worker', 'queue']), harm: 'hog', amount: draws.between(0.7, 0.95) };
    case 'memory':
      return { service: service([...asked, 'worker']), harm: 'leak', amount: draws.between(1, 2.5), grows: true };
    case 'crash':
      return { service: service(), harm: 'down', amount: 1, replicas: 1 };
    case 'errors':
      return { service: service(['entry', 'service', 'idle']), harm: 'failing', amount: draws.between(0.2, 0.7) };
    case 'partial_errors':
      return { service: service(['entry', 'service']), harm: 'failing', amount: 0.01 };
    case 'bad_replica':
      return { ...badReplica(draws, topology), replicas: 1 };
    case 'slow_latency':
      return { service: service(), harm: 'slow', amount: draws.byFactor(0.05, 0.3), grows: true };
    case 'slow_leak':
      return { service: service([...asked, 'worker']), harm: 'leak', amount: draws.between(0.6, 1.2), grows: true };
    case 'edge_delay':
      return { ...anyEdge(draws, topology), harm: 'delay', amount: draws.byFactor(0.02, 0.2) };
    case 'edge_loss':
      return { ...anyEdge(draws, topology), harm: 'loss', amount: draws.byFactor(0.02, 0.15) };
    case 'two_at_a_time':
      throw new Error('not a single fault');
  }
}

function anyOf(draws: Draws, { services }: Topology, kinds: readonly Kind[]): ShopService {
  return draws.one(services.filter(({ kind }) => kinds.includes(kind)));
}

/** One of many replicas is slow, or fails. */
function badReplica(draws: Draws, { services }: Topology): Pick<ShopFault, 'service' | 'harm' | 'amount'> {
  const most = Math.max(...services.map(({ replicas }) => replicas));
  const { name } = draws.one(services.filter(({ replicas }) => replicas >= Math.min(5, most)));
  return draws.happens(0.5)
    ? { service: name, harm: 'slow', amount: draws.byFactor(0.05, 0.4) }
    : { service: name, harm: 'failing', amount: draws.between(0.3, 0.8) };
}

/** A client and a server whose calls have responses. */
function anyEdge(draws: Draws, { services }: Topology): Pick<ShopFault, 'service' | 'client'> {
  const edges = services.flatMap(({ name, kind, calls }) =>
    kind === 'job' ? [] : calls.map(({ server }) => ({ client: name, service: server })),
  );
  const kindOf = new Map(services.map(({ name, kind }) => [name, kind]));
  return draws.one(edges.filter(({ service }) => kindOf.has(service) && kindOf.get(service) !== 'queue'));
}
