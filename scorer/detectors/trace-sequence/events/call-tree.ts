import { isSameService, type ServiceName } from '../../../identity/service-key.ts';
import type { Peer } from '../../../traces/received-span.ts';
import type { Span, Trace } from '../../../traces/span.ts';
import { covered, type Interval } from './intervals.ts';

/** A span as the receiver has it, with the peer of a call if it is known. */
export type EventSpan = Span & { readonly peer?: Peer | undefined };

/** A span that is an event, with where it stands among the others. */
export interface CallNode {
  readonly span: EventSpan;
  /** Index of the node that caused it; -1 for the root. */
  readonly parent: number;
  readonly source: ServiceName | undefined;
  readonly destination: ServiceName;
  readonly failed: boolean;
  readonly entry: boolean;
  /** The span is the destination's own. */
  readonly traced: boolean;
  readonly ownMs: number;
  readonly wayMs: number;
}

/** The events of a trace and what caused them. */
export interface CallTree {
  readonly nodes: readonly CallNode[];
  /** Indices of the nodes by start. */
  readonly byStart: readonly number[];
  /** Indices of the nodes, each before what it causes; siblings that overlap in time are sorted by `key`. */
  inDepth(key: (index: number) => string): number[];
}

/** A node while its trace is read. */
interface Draft {
  readonly span: EventSpan;
  readonly parent: number;
  /** The span by which its caller waited for it: the client span, if there is one. */
  readonly call: EventSpan;
  readonly children: number[];
}

/**
 * The server, consumer and internal spans of a complete trace. Of a call, the server's span stands for both; a client or
 * producer span that nothing answered is an event of its own, as its peer sends no spans, or has failed before it could.
 */
export function callTree({ spans }: Trace<EventSpan>): CallTree {
  const answered = new Set(spans.flatMap((span) => (isAnswer(span) ? [span.parentId] : [])));
  const children = childrenOf(spans);
  const drafts: Draft[] = [];
  // A child may start before its parent by another host's clock, so that the order of starts won't do.
  const next: { span: EventSpan; caller: EventSpan | undefined; parent: number }[] = [];
  const below = (caller: EventSpan | undefined, parent: number) => {
    for (const span of children.get(caller?.spanId)?.toReversed() ?? []) next.push({ span, caller, parent });
  };
  below(undefined, -1);
  for (let step = next.pop(); step !== undefined; step = next.pop()) {
    const { span, caller, parent } = step;
    if (isCall(span) && answered.has(span.spanId)) {
      below(span, parent);
      continue;
    }
    const call = caller !== undefined && isCall(caller) && isAnswer(span) ? caller : span;
    drafts[parent]?.children.push(drafts.length);
    below(span, drafts.length);
    drafts.push({ span, parent, call, children: [] });
  }
  return {
    nodes: drafts.map((_, index) => nodeOf(drafts, index)),
    byStart: [...drafts.keys()].sort((a, b) => drafts[a]!.span.startMs - drafts[b]!.span.startMs),
    inDepth: (key) => inDepth(drafts, key),
  };
}

/** By the id of the parent, by start; undefined for that of the root. */
function childrenOf(spans: readonly EventSpan[]): Map<string | undefined, EventSpan[]> {
  const children = new Map<string | undefined, EventSpan[]>();
  for (const span of spans) {
    const siblings = children.get(span.parentId);
    if (siblings === undefined) children.set(span.parentId, [span]);
    else siblings.push(span);
  }
  return children;
}

function isAnswer({ kind }: EventSpan): boolean {
  return kind === 'server' || kind === 'consumer';
}

function isCall({ kind }: EventSpan): boolean {
  return kind === 'client' || kind === 'producer';
}

function nodeOf(drafts: readonly Draft[], index: number): CallNode {
  const { span, parent, call } = drafts[index]!;
  // A call without an answer is made by the service of the span, and goes to its peer if that has a name.
  const source = isCall(span) ? span.service : call === span ? drafts[parent]?.span.service : call.service;
  const destination = destinationOf(span);
  const entry = isEntry(span, source, destination);
  return {
    span,
    parent,
    source,
    destination,
    failed: span.failed || call.failed,
    entry,
    traced: isSameService(destination, span.service),
    ownMs: entry ? ownMs(drafts, index) : NaN,
    wayMs: span.kind === 'server' && call.kind === 'client' ? Math.max(0, call.durationMs - span.durationMs) : NaN,
  };
}

function isEntry({ kind }: EventSpan, source: ServiceName | undefined, destination: ServiceName): boolean {
  return kind === 'server' || kind === 'consumer' || source === undefined || !isSameService(source, destination);
}

/** A call to nobody who has a name, such as one to a file, is its service's own work. */
function destinationOf(span: EventSpan): ServiceName {
  return isCall(span) ? peerOf(span) : span.service;
}

/** `payment.shop.svc:8080` is service payment of namespace shop; a plain name is of the caller's namespace. */
function peerOf({ service: caller, peer }: EventSpan): ServiceName {
  const host = peer?.name.replace(/:\d+$/, '').toLowerCase();
  if (host === undefined || host === '') return caller;
  if (/^[\d.]+$|^\[|:/.test(host)) return { ...caller, namespace: 'external', service: 'address' };
  const [service = host, namespace, domain] = host.split('.');
  if (namespace === undefined) return { ...caller, service };
  return { ...caller, ...(domain === 'svc' ? { namespace, service } : { namespace: 'external', service: host }) };
}

/** Duration of an entry without that of the calls which it waits for, directly or in spans within the service. */
function ownMs(drafts: readonly Draft[], index: number): number {
  const { span, children } = drafts[index]!;
  const whole = { from: span.startMs, to: span.startMs + span.durationMs };
  const calls: Interval[] = [];
  const next = [...children];
  for (let child = next.pop(); child !== undefined; child = next.pop()) {
    const draft = drafts[child]!;
    const answered = draft.call !== draft.span;
    if (answered || !isSameService(destinationOf(draft.span), span.service)) calls.push(intervalOf(draft.call));
    else next.push(...draft.children);
  }
  return whole.to - whole.from - covered(calls, whole);
}

function intervalOf({ startMs, durationMs }: EventSpan): Interval {
  return { from: startMs, to: startMs + durationMs };
}

function inDepth(drafts: readonly Draft[], key: (index: number) => string): number[] {
  const order: number[] = [];
  const next = drafts.flatMap(({ parent }, index) => (parent === -1 ? [index] : [])).toReversed();
  for (let index = next.pop(); index !== undefined; index = next.pop()) {
    order.push(index);
    const children = sortSimultaneous(drafts, drafts[index]!.children, key);
    for (const child of children.toReversed()) next.push(child);
  }
  return order;
}

/** Siblings by start; those of a group that overlaps in time, directly or through others, by key. */
function sortSimultaneous(
  drafts: readonly Draft[],
  children: readonly number[],
  key: (index: number) => string,
): number[] {
  const spans = children
    .map((index) => ({ index, interval: intervalOf(drafts[index]!.call) }))
    .sort((a, b) => a.interval.from - b.interval.from);
  const sorted: number[] = [];
  let group: number[] = [];
  let end = -Infinity;
  const close = () => {
    const keys = new Map(group.map((index) => [index, group.length > 1 ? key(index) : '']));
    sorted.push(...group.sort((a, b) => (keys.get(a)! < keys.get(b)! ? -1 : Number(keys.get(a)! > keys.get(b)!))));
    group = [];
  };
  for (const { index, interval } of spans) {
    if (interval.from >= end) close();
    group.push(index);
    end = Math.max(end, interval.to);
  }
  close();
  return sorted;
}
