import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assemble } from '../../../scorer/traces/assemble.ts';
import { readLines } from '../../../scorer/traces/files/lines.ts';
import { streamTraces } from '../../../scorer/traces/files/trace-stream.ts';
import { millisecondsOf } from '../../../scorer/traces/nanoseconds.ts';
import type { Span, SpanKind, Trace } from '../../../scorer/traces/span.ts';
import { NAMESPACE } from '../open-metrics.ts';
import { workloadOf } from './pod-name.ts';
import { TableError } from './table.ts';

/** A span with the pod that it ran in. */
export interface RecordedSpan extends Span {
  readonly pod: string;
}

const TRACE_FILE = /_trace\.csv(?:\.gz)?$/;
const COLUMNS = [
  'TraceID',
  'SpanID',
  'ParentID',
  'PodName',
  'OperationName',
  'StartTimeUnixNano',
  'EndTimeUnixNano',
  'Duration',
] as const;
const ROOT = 'root';
/** Names of spans of a JDBC driver's instrumentation. */
const QUERY = /^(SELECT|INSERT|UPDATE|DELETE) /;

/**
 * Reads the traces of `<hour>_<minute>_trace.csv.gz` files in a folder, by file name, one trace at a time. Kinds are
 * not recorded and follow from the tree: a root is a server span, a span whose parent ran in another pod is a server
 * span, the parent a client span; a database query is a client span. Failures are not recorded: `failed` is always
 * false.
 *
 * @throws TableError, TraceFileError
 */
export async function* readTraces(folder: string): AsyncGenerator<Trace<RecordedSpan>, void, undefined> {
  for await (const trace of streamTraces(readSpans(folder))) yield withKinds(trace);
}

async function* readSpans(folder: string): AsyncGenerator<RecordedSpan, void, undefined> {
  const names = readdirSync(folder).filter((name) => TRACE_FILE.test(name));
  if (names.length === 0) throw new TableError(`${folder}: expected files named <hour>_<minute>_trace.csv`);
  for (const name of names.sort()) {
    const path = join(folder, name);
    let number = 0;
    for await (const line of readLines(path)) {
      const fields = line.toString().trimEnd().split(',');
      if (++number === 1) checkHead(fields, path);
      else yield readSpan(fields, `${path}:${number}`);
    }
  }
}

function checkHead(fields: readonly string[], path: string): void {
  if (fields.join() === COLUMNS.join()) return;
  throw new TableError(`${path}: expected the columns ${COLUMNS.join(', ')}, got ${fields.join(', ')}`);
}

function readSpan(fields: readonly string[], at: string): RecordedSpan {
  const [traceId = '', spanId = '', parent = '', pod = '', name = '', start = '', end = ''] = fields;
  const [startNs, endNs] = [start, end].map((text) => (/^\d{1,20}$/.test(text) ? BigInt(text) : 0n)) as [
    bigint,
    bigint,
  ];
  if (fields.length !== COLUMNS.length || spanId === '' || startNs <= 0n || endNs < startNs) {
    throw new TableError(`${at}: expected a span, got "${fields.join().slice(0, 200)}"`);
  }
  return {
    traceId,
    spanId,
    parentId: parent === ROOT ? undefined : parent,
    service: { namespace: NAMESPACE, service: workloadOf(pod) },
    name,
    kind: 'internal',
    startMs: millisecondsOf(startNs),
    durationMs: millisecondsOf(endNs - startNs),
    failed: false,
    url: name.startsWith('/') ? name : undefined,
    pod,
  };
}

function withKinds(trace: Trace<RecordedSpan>): Trace<RecordedSpan> {
  const byId = new Map(trace.spans.map((span) => [span.spanId, span]));
  const kinds = new Map<string, SpanKind>();
  for (const { spanId, parentId, pod, name } of trace.spans) {
    const parent = parentId === undefined ? undefined : byId.get(parentId);
    if (parentId === undefined) kinds.set(spanId, 'server');
    else if (QUERY.test(name)) kinds.set(spanId, 'client');
    if (parent === undefined || parent.pod === pod) continue;
    kinds.set(spanId, 'server');
    if (kinds.get(parent.spanId) === undefined) kinds.set(parent.spanId, 'client');
  }
  return assemble(trace.spans.map((span) => ({ ...span, kind: kinds.get(span.spanId) ?? 'internal' })));
}
