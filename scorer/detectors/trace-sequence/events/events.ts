import { displayName, serviceKey } from '../../../identity/service-key.ts';
import { OperationNames } from '../../../traces/operation.ts';
import type { Trace } from '../../../traces/span.ts';
import { type CallTree, callTree, type EventSpan } from './call-tree.ts';

/** What all events of one kind have in common: source, destination and function, as Kohyarnejadfard et al. have it. */
export interface Representative {
  /** `namespace/source>namespace/destination function`; the source of a root is `client`. */
  readonly key: string;
  /** Key of the service that calls; undefined for a root. */
  readonly source: string | undefined;
  /** Key of the service that works. */
  readonly destination: string;
}

/** One step of a trace. */
export interface TraceEvent {
  readonly representative: Representative;
  /** Place of the event that it is part of; -1 for the root. */
  readonly parent: number;
  readonly failed: boolean;
  /** The destination handles a request with it, rather than works on within one. */
  readonly entry: boolean;
  /** The destination sent the span, rather than its caller. */
  readonly traced: boolean;
  /** Time that the destination worked itself, without those that it called; NaN but for an entry. */
  readonly ownMs: number;
  /** Time that the call took beyond that of its server, on the way and in queues; NaN where unknown. */
  readonly wayMs: number;
}

/** A trace as a sequence of events. The first is the root. */
export interface EventSequence {
  /** Unix time in milliseconds. */
  readonly atMs: number;
  readonly events: readonly TraceEvent[];
}

/**
 * - `start`: by start, as the paper has it
 * - `tree`: what an event causes follows it, children by start; children that ran at the same time by their representative,
 *   as their order says nothing
 */
export const EVENT_ORDERS = ['start', 'tree'] as const;
export type EventOrder = (typeof EVENT_ORDERS)[number];

/** Representatives that are held, before all are forgotten and read again. */
const MAX_REPRESENTATIVES = 10_000;

/** Makes sequences of traces. Equal representatives are one object as long as there aren't too many. */
export class EventReader {
  readonly #order: EventOrder;
  readonly #names: OperationNames;
  readonly #representatives = new Map<string, Representative>();

  constructor(order: EventOrder, names = new OperationNames()) {
    this.#order = order;
    this.#names = names;
  }

  /** @returns undefined for a trace with gaps: what is missing of it may have happened */
  read(trace: Trace<EventSpan>): EventSequence | undefined {
    if (!trace.complete || trace.root === undefined) return undefined;
    const tree = callTree(trace);
    const order = this.#order === 'tree' ? tree.inDepth(this.#keyIn(tree)) : tree.byStart;
    const place = new Map(order.map((index, at) => [index, at]));
    const events = order.map((index): TraceEvent => {
      const { parent, ...own } = tree.nodes[index]!;
      const representative = this.#representativeOf(tree, index);
      const { failed, entry, traced, ownMs, wayMs } = own;
      return { representative, parent: place.get(parent) ?? -1, failed, entry, traced, ownMs, wayMs };
    });
    return { atMs: trace.root.startMs, events };
  }

  #keyIn(tree: CallTree): (index: number) => string {
    return (index) => this.#representativeOf(tree, index).key;
  }

  #representativeOf(tree: CallTree, index: number): Representative {
    const { span, source, destination } = tree.nodes[index]!;
    const from = source === undefined ? 'client' : displayName(source);
    const ends = [from, displayName(destination)];
    const key = `${ends.join('>')} ${this.#names.of(span)}`;
    const known = this.#representatives.get(key);
    if (known !== undefined) return known;
    if (this.#representatives.size >= MAX_REPRESENTATIVES) this.#representatives.clear();
    const representative = { key, source: source && serviceKey(source), destination: serviceKey(destination) };
    this.#representatives.set(key, representative);
    return representative;
  }
}
