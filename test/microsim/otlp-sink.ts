import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SunkSpan {
  readonly resource: Readonly<Record<string, string | number>>;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Of the status: 2 is an error. */
  readonly status: number;
}

/** Collects the spans that are sent to it by OTLP over HTTP, as protobuf or JSON. */
export class OtlpSink {
  readonly spans: SunkSpan[] = [];
  readonly contentTypes = new Set<string>();
  readonly #server: Server = createServer((incoming, response) => {
    void this.#take(incoming).then((status) => response.writeHead(status, { 'content-length': 0 }).end());
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #take(incoming: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    if (incoming.method !== 'POST' || incoming.url !== '/v1/traces') return 404;
    const type = incoming.headers['content-type'] ?? '';
    this.contentTypes.add(type);
    const body = Buffer.concat(chunks);
    this.spans.push(...(type === 'application/json' ? fromJson(body) : fromProtobuf(body)));
    return 200;
  }
}

interface JsonAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}

interface JsonSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly JsonAttribute[];
  readonly status: { readonly code?: number };
}

interface JsonBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly JsonAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly JsonSpan[] }[];
  }[];
}

function fromJson(body: Buffer): SunkSpan[] {
  const attributesOf = (attributes: readonly JsonAttribute[]) =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
  return (JSON.parse(body.toString()) as JsonBody).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        resource: attributesOf(resource.attributes),
        traceId: span.traceId,
        spanId: span.spanId,
        parentId: span.parentSpanId ?? '',
        name: span.name,
        kind: span.kind,
        startNs: BigInt(span.startTimeUnixNano),
        endNs: BigInt(span.endTimeUnixNano),
        attributes: attributesOf(span.attributes),
        status: span.status.code ?? 0,
      })),
  );
}

/** Field numbers of opentelemetry/proto/trace/v1/trace.proto and common.proto. */
function fromProtobuf(body: Buffer): SunkSpan[] {
  return messages(body, 1).flatMap((resourceSpans) => {
    const resource = attributesIn(messages(resourceSpans, 1)[0] ?? Buffer.alloc(0), 1);
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => ({
        resource,
        traceId: messages(span, 1)[0]?.toString('hex') ?? '',
        spanId: messages(span, 2)[0]?.toString('hex') ?? '',
        parentId: messages(span, 4)[0]?.toString('hex') ?? '',
        name: messages(span, 5)[0]?.toString() ?? '',
        kind: Number(numbers(span, 6)[0] ?? 0),
        startNs: numbers(span, 7)[0] ?? 0n,
        endNs: numbers(span, 8)[0] ?? 0n,
        attributes: attributesIn(span, 9),
        status: messages(span, 15).map((status) => Number(numbers(status, 3)[0] ?? 0))[0] ?? 0,
      }));
  });
}

function attributesIn(message: Buffer, field: number): Record<string, string | number> {
  return Object.fromEntries(
    messages(message, field).map((attribute) => {
      const value = messages(attribute, 2)[0] ?? Buffer.alloc(0);
      return [messages(attribute, 1).join(''), messages(value, 1)[0]?.toString() ?? Number(numbers(value, 3)[0])];
    }),
  );
}

const messages = (message: Buffer, field: number) =>
  fieldsOf(message).flatMap(([number, value]) => (number === field && typeof value !== 'bigint' ? [value] : []));

const numbers = (message: Buffer, field: number) =>
  fieldsOf(message).flatMap(([number, value]) => (number === field && typeof value === 'bigint' ? [value] : []));

function fieldsOf(message: Buffer): [field: number, value: Buffer | bigint][] {
  const fields: [number, Buffer | bigint][] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (size: number) => message.subarray(at, (at += size));
  while (at < message.length) {
    const tag = Number(varint());
    const [field, wire] = [tag >> 3, tag & 7];
    if (wire === 0) fields.push([field, varint()]);
    else if (wire === 1) fields.push([field, take(8).readBigUInt64LE()]);
    else if (wire === 2) fields.push([field, take(Number(varint()))]);
    else fields.push([field, BigInt(take(4).readUInt32LE())]);
  }
  return fields;
}
