import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { readRequestBody, serve } from './http.ts';
import { decodeSnappyBlock } from './snappy-block.ts';
import { decodeWriteRequest, decodeWriteRequestV2, type ReceivedSample, type ReceivedSeries } from './write-request.ts';

/** The response to a request instead of accepting it. */
export type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** With a status of 2xx, take the samples like others; then respond with this body, after the headers. */
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: (response: ServerResponse) => void;
    }
  /** Never respond. */
  | 'hang'
  /** Close the connection without a response. */
  | 'cut';

type Version = '1.0' | '2.0';

export interface ReceiverOptions {
  /** Default: both. */
  readonly versions?: readonly Version[];
  /**
   * What a receiver without 2.0 does with it. `unsupported`: 415. `invalid`: 400. `ignored`: it finds no field that it
   * knows, and answers 204, as Prometheus does up to 2.53. Default: unsupported.
   */
  readonly otherVersion?: 'unsupported' | 'invalid' | 'ignored';
}

export interface Receiver {
  readonly url: string;
  /** Every request in order; `status` is 0 without a response. */
  readonly requests: readonly {
    readonly status: number;
    readonly samples: number;
    readonly reason: string;
    readonly version: Version;
  }[];
  /** The accepted samples of the series with exactly these labels, in chronological order. */
  samples(labels: Readonly<Record<string, string>>): readonly ReceivedSample[];
  /** The times of all accepted samples, milliseconds since the epoch. */
  times(): ReadonlySet<number>;
  /** Total number of accepted samples. */
  accepted(): number;
  /** Sets the responses to the next requests, one after another. */
  answerNext(...answers: readonly Answer[]): void;
  /** Sets the response to every request after those of `answerNext`; undefined resets it. */
  answerAll(answer: Answer | undefined): void;
  /**
   * Rejects with 400 each request that has a series for which this is true. Of a request of 1.0 nothing is stored, of
   * one of 2.0 the other series.
   */
  refuseSeries(refuses: (labels: Readonly<Record<string, string>>) => boolean): void;
  stop(): Promise<void>;
}

/**
 * A receiver of remote write 1.0 and 2.0 that rejects every violation of the specification by a sender with 400 and the
 * reason; Prometheus accepts many of them. Stores nothing of a rejected request.
 */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { versions = ['1.0', '2.0'], otherVersion = 'unsupported' } = options;
  const stored = new Map<string, ReceivedSample[]>();
  const requests: { status: number; samples: number; reason: string; version: Version }[] = [];
  const next: Answer[] = [];
  let always: Answer | undefined;
  let refuses: (labels: Readonly<Record<string, string>>) => boolean = () => false;

  const take = (version: Version, body: Uint8Array): Taken => {
    const message = decodeSnappyBlock(body);
    const series = version === '1.0' ? decodeWriteRequest(message) : decodeWriteRequestV2(message);
    const refused = series.filter(({ labels }) => refuses(Object.fromEntries(labels)));
    const kept = version === '1.0' && refused.length > 0 ? [] : series.filter((one) => !refused.includes(one));
    const count = store(stored, kept);
    return { count, written: kept.reduce((sum, { samples }) => sum + samples.length, 0), refused: refused[0] };
  };
  const answer = (incoming: IncomingMessage, body: Buffer, response: ServerResponse) => {
    const action = next.shift() ?? always;
    const version: Version = incoming.headers['x-prometheus-remote-write-version'] === '2.0.0' ? '2.0' : '1.0';
    const entry = { status: 0, samples: 0, reason: '', version };
    requests.push(entry);
    if (action === 'hang') return;
    if (action === 'cut') {
      response.socket?.destroy();
      return;
    }
    const writes = typeof action?.body === 'function' ? action.body : undefined;
    if (action !== undefined && (writes === undefined || action.status >= 300)) {
      entry.status = action.status;
      response.writeHead(action.status, action.headers);
      if (typeof action.body === 'function') action.body(response);
      else response.end(action.body);
      return;
    }
    if (!versions.includes(version)) {
      entry.status = OTHER_VERSION[otherVersion];
      response.writeHead(entry.status).end();
      return;
    }
    let written = 0;
    try {
      checkHeaders(incoming.headers, incoming.method ?? '', version);
      const taken = take(version, body);
      entry.samples = taken.count;
      written = taken.written;
      entry.status = taken.refused === undefined ? 204 : 400;
      if (taken.refused !== undefined) entry.reason = `series refused: ${JSON.stringify(taken.refused.labels)}`;
    } catch (error) {
      entry.status = 400;
      entry.reason = (error as Error).message;
    }
    if (entry.status === 204 && action !== undefined) entry.status = action.status;
    response.writeHead(entry.status, { ...(version === '2.0' && writtenHeaders(written)), ...action?.headers });
    if (writes === undefined) response.end(entry.reason);
    else writes(response);
  };
  const server = await serve((request, response) => {
    void readRequestBody(request).then((body) => answer(request, body, response));
  });
  return {
    url: `${server.url}/api/v1/write`,
    requests,
    samples: (labels) => stored.get(JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))) ?? [],
    times: () => new Set([...stored.values()].flatMap((series) => series.map(({ timestampMs }) => timestampMs))),
    accepted: () => [...stored.values()].reduce((sum, samples) => sum + samples.length, 0),
    answerNext: (...answers) => void next.push(...answers),
    answerAll: (action) => {
      always = action;
    },
    refuseSeries: (condition) => {
      refuses = condition;
    },
    stop: () => server.stop(),
  };
}

const OTHER_VERSION = { unsupported: 415, invalid: 400, ignored: 204 } as const;

/** The samples that are new, the samples of series that were accepted, and the first series that was not. */
interface Taken {
  readonly count: number;
  readonly written: number;
  readonly refused: ReceivedSeries | undefined;
}

function writtenHeaders(samples: number): Record<string, string> {
  return {
    'x-prometheus-remote-write-samples-written': String(samples),
    'x-prometheus-remote-write-histograms-written': '0',
    'x-prometheus-remote-write-exemplars-written': '0',
  };
}

function checkHeaders(headers: IncomingHttpHeaders, method: string, version: Version): void {
  if (method !== 'POST') throw new Error(`method ${method}`);
  const expected = {
    'content-encoding': /^snappy$/,
    'content-type':
      version === '1.0'
        ? /^application\/x-protobuf$/
        : /^application\/x-protobuf; ?proto=io\.prometheus\.write\.v2\.Request$/,
    'x-prometheus-remote-write-version': version === '1.0' ? /^0\.1\.0$/ : /^2\.0\.0$/,
    'user-agent': /^.+$/,
  };
  for (const [name, pattern] of Object.entries(expected)) {
    const value = headers[name];
    if (typeof value !== 'string' || !pattern.test(value)) throw new Error(`header ${name}: ${String(value)}`);
  }
}

/** Stores all samples, or none if one is out of order or a duplicate with another value. */
function store(stored: Map<string, ReceivedSample[]>, series: readonly ReceivedSeries[]): number {
  const updates = new Map<string, ReceivedSample[]>();
  let count = 0;
  for (const { labels, samples } of series) {
    const key = JSON.stringify(labels);
    if (updates.has(key)) throw new Error(`series twice in a request: ${key}`);
    const updated = [...(stored.get(key) ?? [])];
    let inRequest = Number.NEGATIVE_INFINITY;
    for (const sample of samples) {
      if (sample.timestampMs <= inRequest) throw new Error(`unsorted samples in a request: ${key}`);
      inRequest = sample.timestampMs;
      const last = updated.at(-1);
      if (last !== undefined && sample.timestampMs < last.timestampMs) throw new Error(`out of order sample: ${key}`);
      if (last?.timestampMs === sample.timestampMs) {
        if (last.bits !== sample.bits) throw new Error(`duplicate sample for timestamp: ${key}`);
        continue;
      }
      updated.push(sample);
      count++;
    }
    updates.set(key, updated);
  }
  for (const [key, samples] of updates) stored.set(key, samples);
  return count;
}
