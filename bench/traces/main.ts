/**
 * Costs of traces for the scorer: processor time per span from HTTP to a trace handed over, by encoding; memory per
 * span that waits; and the longest interruption of the event loop by a request of the largest size.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { Registry } from 'prom-client';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { createLogger } from '../../daemon/logger.ts';
import { exposedCollection } from '../../daemon/memory/garbage.ts';
import { tracesSchema } from '../../scorer/traces/config.ts';
import { readProtobufRequest } from '../../scorer/traces/otlp/protobuf-request.ts';
import { Rejection } from '../../scorer/traces/otlp/error.ts';
import { jsonRequest, protobufRequest } from '../../scorer/traces/otlp/requests.testdata.ts';
import { SpanReader } from '../../scorer/traces/otlp/span-reader.ts';
import type { ReceivedSpan } from '../../scorer/traces/received-span.ts';
import { TraceReceiver } from '../../scorer/traces/receiver/receiver.ts';
import { TraceStore } from '../../scorer/traces/trace-store.ts';
import { until } from '../../test/until.ts';
import { writeResults } from '../results.ts';
import { SPANS_A_TRACE, tracesAsResources } from './workload.ts';

interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

/** An SDK's batch is 512 spans. */
const TRACES_A_REQUEST = 42;
const REQUESTS = 400;
const ENCODINGS = {
  protobuf: { type: 'application/x-protobuf', write: protobufRequest },
  JSON: { type: 'application/json', write: jsonRequest },
};
type Encoding = keyof typeof ENCODINGS;
const UNBOUNDED = { max_traces: 1e7, max_spans: 1e8, max_bytes: 1e12, max_body: 64 * 2 ** 20 };

async function main({ argv }: ProgramContext): Promise<number> {
  const [send, url, encoding, gzip] = argv;
  if (send === 'send') return await sender(url ?? '', encoding as Encoding, gzip === 'gzip');
  const rows = [
    ...(await throughput('protobuf', false)),
    ...(await throughput('protobuf', true)),
    ...(await throughput('JSON', false)),
    ...memory(),
    ...(await interruption('protobuf')),
    ...(await interruption('JSON')),
  ];
  for (const { what, value, unit } of rows)
    process.stdout.write(`${what.padEnd(70)} ${String(value).padStart(9)} ${unit}\n`);
  writeResults('traces', rows);
  return 0;
}

function receiver(keys: object = {}): TraceReceiver {
  const config = tracesSchema.parse({
    listen_address: '127.0.0.1:0',
    wait: '1s',
    service_graph: true,
    ...UNBOUNDED,
    ...keys,
  });
  return new TraceReceiver({ config, registry: new Registry(), logger: createLogger({ level: 'error' }) });
}

/** Processor time of this process; another one sends. */
async function throughput(encoding: Encoding, gzip: boolean): Promise<Row[]> {
  const subject = receiver();
  let spans = 0;
  subject.onTrace((trace) => (spans += trace.spans.length));
  const url = `http://${await subject.start()}/v1/traces`;
  const sent = TRACES_A_REQUEST * SPANS_A_TRACE * REQUESTS;
  const start = process.cpuUsage();
  const child = fork(process.argv[1] ?? '', ['send', url, encoding, gzip ? 'gzip' : 'plain']);
  await once(child, 'exit');
  await until('all traces', () => spans >= sent, { timeoutMs: 60_000 });
  const { user, system } = process.cpuUsage(start);
  await subject.stop();
  const what = `${encoding}${gzip ? ' and gzip' : ''}`;
  return [
    { what: `${what}: spans a second of one core`, value: Math.round(sent / ((user + system) / 1e6)), unit: '1/s' },
    { what: `${what}: processor time a span`, value: round((user + system) / sent, 1), unit: 'us' },
  ];
}

async function sender(url: string, encoding: Encoding, gzip: boolean): Promise<number> {
  const { type, write } = ENCODINGS[encoding];
  const headers = { 'content-type': type, ...(gzip && { 'content-encoding': 'gzip' }) };
  for (let i = 0; i < REQUESTS; i++) {
    const body = Buffer.from(write(tracesAsResources(TRACES_A_REQUEST)));
    const response = await fetch(url, { method: 'POST', headers, body: gzip ? gzipSync(body) : body });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    await response.arrayBuffer();
  }
  return 0;
}

function memory(): Row[] {
  return [
    ...memoryOf('of a trace of 12', (span) => span),
    ...memoryOf('alone in its trace', (span, number) => ({ ...span, traceId: number.toString(16).padStart(32, '0') })),
  ];
}

function memoryOf(what: string, change: (span: ReceivedSpan, number: number) => ReceivedSpan): Row[] {
  const collect = exposedCollection();
  const limits = { waitMs: 1e9, maxAgeMs: 1e9, maxTraces: 1e9, maxSpans: 1e9, maxSpansPerTrace: 1e9, maxBytes: 1e12 };
  const store = new TraceStore<ReceivedSpan>(limits);
  const reader = new SpanReader('default');
  collect();
  const before = process.memoryUsage().heapUsed;
  while (store.size.spans < 200_000) {
    for (const span of readProtobufRequest(protobufRequest(tracesAsResources(TRACES_A_REQUEST)), reader)) {
      if (!(span instanceof Rejection)) store.add(change(span, store.size.spans), 0);
    }
  }
  collect();
  const { spans, bytes } = store.size;
  const used = process.memoryUsage().heapUsed - before;
  return [
    { what: `memory of a span ${what} that waits`, value: Math.round(used / spans), unit: 'B' },
    { what: `the same, as it is estimated`, value: Math.round(bytes / spans), unit: 'B' },
  ];
}

/** Requests of the largest size by default. */
async function interruption(encoding: Encoding): Promise<Row[]> {
  const { type, write } = ENCODINGS[encoding];
  const whole = tracesAsResources(1200);
  let body = write(whole);
  for (let count = 1200; body.length > 4 * 2 ** 20; count -= 20) body = write(tracesAsResources(count));
  const subject = receiver({ max_body: 4 * 2 ** 20 });
  const url = `http://${await subject.start()}/v1/traces`;
  const post = async () => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: Buffer.from(body) });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
  };
  for (let i = 0; i < 3; i++) await post();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let i = 0; i < 5; i++) await post();
  delay.disable();
  await subject.stop();
  return [
    {
      what: `${encoding}: size of the largest request`,
      value: round(body.length / 2 ** 20, 1),
      unit: 'MiB',
    },
    { what: `${encoding}: longest interruption by it, sending included`, value: round(delay.max / 1e6, 0), unit: 'ms' },
  ];
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

await runProgram('bench-traces', main);
