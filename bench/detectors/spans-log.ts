import { createWriteStream, readFileSync, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { notFound } from '../../daemon/http-server/common-pages.ts';
import { listen, runHandlers } from '../../daemon/http-server/web-app.ts';
import { otlpEndpoint } from '../../scorer/traces/otlp/endpoint.ts';
import type { ReceivedSpan } from '../../scorer/traces/received-span.ts';
import { endpointId } from './affected.ts';

/** A span of a server, as a line of a recording: end in ms since the epoch, duration in ms, endpoint. */
export type LoggedSpan = readonly [endMs: number, durationMs: number, endpoint: string];

const MAX_BODY = 4 * 1024 * 1024;

/** Writes the server spans that it receives to a file, one a line. */
export class SpansLog {
  readonly #file: WriteStream;
  #address = '';
  #close: () => Promise<void> = async () => undefined;
  #received = 0;
  #invalid = 0;

  constructor(path: string) {
    this.#file = createWriteStream(path);
  }

  /** For `lorikeet-sim up --traces`. */
  get url(): string {
    return `http://${this.#address}`;
  }

  get received(): number {
    return this.#received;
  }

  /** Spans that could not be read. */
  get invalid(): number {
    return this.#invalid;
  }

  async start(): Promise<void> {
    const endpoint = otlpEndpoint({
      maxBody: MAX_BODY,
      defaultNamespace: 'shop',
      onSpan: (span) => this.#take(span),
      onInvalid: () => this.#invalid++,
    });
    const listener = await listen(runHandlers([endpoint, notFound], undefined), '127.0.0.1:0');
    this.#address = listener.address;
    this.#close = () => listener.close();
  }

  async stop(): Promise<void> {
    await this.#close();
    this.#file.end();
    await once(this.#file, 'close');
  }

  #take({ kind, startMs, durationMs, service: { service }, url, name }: ReceivedSpan): undefined {
    if (kind !== 'server') return;
    this.#received++;
    const line: LoggedSpan = [round(startMs + durationMs), round(durationMs), endpointId(service, url ?? name)];
    this.#file.write(`${JSON.stringify(line)}\n`);
  }
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

export function readSpans(path: string): LoggedSpan[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LoggedSpan);
}

/** Mean response time by endpoint and step, seconds. A request belongs to the step in which it ends. */
export function meanResponseTimes(spans: readonly LoggedSpan[], intervalMs: number): Map<string, Map<number, number>> {
  const sums = new Map<string, Map<number, { sum: number; count: number }>>();
  for (const [endMs, durationMs, endpoint] of spans) {
    let steps = sums.get(endpoint);
    if (steps === undefined) sums.set(endpoint, (steps = new Map()));
    const step = Math.ceil(endMs / intervalMs);
    const of = steps.get(step) ?? { sum: 0, count: 0 };
    steps.set(step, { sum: of.sum + durationMs / 1000, count: of.count + 1 });
  }
  return new Map(
    [...sums].map(([endpoint, steps]) => [
      endpoint,
      new Map([...steps].sort(([a], [b]) => a - b).map(([step, { sum, count }]) => [step, sum / count])),
    ]),
  );
}
