import { isSamePlace, type ServiceName } from '../../identity/service-key.ts';
import type { ReceivedSpan } from '../received-span.ts';
import type { Trace } from '../span.ts';

/** The values of Tempo and the Collector; empty for a plain request. */
export type ConnectionType = '' | 'messaging_system' | 'database' | 'virtual_node';

/** One request between two services. */
export interface Call {
  readonly client: ServiceName;
  readonly server: ServiceName;
  readonly connectionType: ConnectionType;
  readonly failed: boolean;
  /** Durations as each side measured them; undefined if no span did. */
  readonly clientSeconds: number | undefined;
  readonly serverSeconds: number | undefined;
}

/** The namespace of peers that send no spans. The exporter uses it for peers outside the cluster. */
export const OUTSIDE = 'external';
/** A caller that sends no spans, named as in Tempo and the Collector. */
const USER = { namespace: OUTSIDE, service: 'user' };

/**
 * The calls of a trace, paired as Tempo's service graphs and the Collector's servicegraph connector do: a client span
 * with the server span below it, a producer with its consumers. A client span alone is a call to the database or the
 * peer that its attributes name, or else none; a root that serves is called by `user`.
 */
export function* callsOf(trace: Trace<ReceivedSpan>): Generator<Call, void, undefined> {
  const byId = new Map(trace.spans.map((span) => [span.spanId, span]));
  const answered = new Set<string>();
  for (const span of trace.spans) {
    if (span.kind !== 'server' && span.kind !== 'consumer') continue;
    if (span.parentId === undefined) yield callOfUser(span);
    const caller = span.parentId === undefined ? undefined : byId.get(span.parentId);
    if (caller === undefined || !calls(caller)) continue;
    answered.add(caller.spanId);
    yield pair(caller, span);
  }
  for (const span of trace.spans) {
    if (calls(span) && span.peer !== undefined && !answered.has(span.spanId)) yield callOfPeer(span, span.peer);
  }
}

function calls({ kind }: ReceivedSpan): boolean {
  return kind === 'client' || kind === 'producer';
}

function pair(caller: ReceivedSpan, callee: ReceivedSpan): Call {
  const messaging = caller.kind === 'producer' || callee.kind === 'consumer';
  // An edge has its further labels once, so what is in another cluster is outside, as it is for the exporter.
  const isElsewhere = !isSamePlace(caller.service, callee.service);
  return {
    client: caller.service,
    server: isElsewhere ? { ...caller.service, namespace: OUTSIDE, service: callee.service.service } : callee.service,
    connectionType: messaging ? 'messaging_system' : '',
    failed: caller.failed || callee.failed,
    clientSeconds: caller.durationMs / 1000,
    serverSeconds: callee.durationMs / 1000,
  };
}

function callOfUser(span: ReceivedSpan): Call {
  return {
    client: { ...span.service, ...USER },
    server: span.service,
    connectionType: 'virtual_node',
    failed: span.failed,
    clientSeconds: undefined,
    serverSeconds: span.durationMs / 1000,
  };
}

function callOfPeer(span: ReceivedSpan, { name, database }: NonNullable<ReceivedSpan['peer']>): Call {
  return {
    client: span.service,
    server: { ...span.service, namespace: OUTSIDE, service: name },
    connectionType: database ? 'database' : 'virtual_node',
    failed: span.failed,
    clientSeconds: span.durationMs / 1000,
    // As in Tempo, a database's duration is its client's.
    serverSeconds: database ? span.durationMs / 1000 : undefined,
  };
}
