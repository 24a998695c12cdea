import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { readRequestBody, serve } from './http.ts';
import { decodeSnappyBlock } from './snappy-block.ts';
import { decodeWriteRequest, type ReceivedSample, type ReceivedSeries } from './write-request.ts';

/** The response to a request instead of accepting it. */
export type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Never respond. */
  | 'hang'
  /** Close the connection without a response. */
  | 'cut';

export interface Receiver {
  readonly url: string;
  /** Every request in order; `status` is 0 without a response. */
  readonly requests: readonly { readonly status: number; readonly samples: number; readonly reason: string }[];
  /** The accepted samples of the series with exactly these labels, in chronological order. */
  samples(labels: Readonly<Record<string, string>>): readonly ReceivedSample[];
  /** Total number of accepted samples. */
  accepted(): number;
  /** Sets the responses to the next requests, one after another. */
  answerNext(...answers: readonly Answer[]): void;
  /** Sets the response to every request after those of `answerNext`; undefined resets it. */
  answerAll(answer: Answer | undefined): void;
  /** Rejects with 400 each request that has a series for which this is true, and stores nothing of it. */
  refuseSeries(refuses: (labels: Readonly<Record<string, string>>) => boolean): void;
  stop(): Promise<void>;
}

/**
 * A remote-write 1.0 receiver that rejects every violation of the specification by a sender with 400 and the reason;
 * Prometheus accepts many of them. Stores nothing of a rejected request.
 */
export async function startReceiver(): Promise<Receiver> {
  const stored = new Map<string, ReceivedSample[]>();
  const requests: { status: number; samples: number; reason: string }[] = [];
  const next: Answer[] = [];
  let always: Answer | undefined;
  let refuses: (labels: Readonly<Record<string, string>>) => boolean = () => false;

  const take = (headers: IncomingHttpHeaders, method: string, body: Uint8Array): number => {
    checkHeaders(headers, method);
    const series = decodeWriteRequest(decodeSnappyBlock(body));
    for (const { labels } of series) {
      if (refuses(Object.fromEntries(labels))) throw new Error(`series refused: ${JSON.stringify(labels)}`);
    }
    return store(stored, series);
  };
  const answer = (response: ServerResponse, action: Answer | undefined, taken: () => number) => {
    const entry = { status: 0, samples: 0, reason: '' };
    requests.push(entry);
    if (action === 'hang') return;
    if (action === 'cut') {
      response.socket?.destroy();
      return;
    }
    if (action !== undefined) {
      entry.status = action.status;
      response.writeHead(action.status, action.headers).end(action.body);
      return;
    }
    try {
      entry.samples = taken();
      entry.status = 204;
    } catch (error) {
      entry.status = 400;
      entry.reason = (error as Error).message;
    }
    response.writeHead(entry.status).end(entry.reason);
  };
  const server = await serve((request, response) => {
    void readRequestBody(request).then((body) => {
      answer(response, next.shift() ?? always, () => take(request.headers, request.method ?? '', body));
    });
  });
  return {
    url: `${server.url}/api/v1/write`,
    requests,
    samples: (labels) => stored.get(JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))) ?? [],
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

function checkHeaders(headers: IncomingHttpHeaders, method: string): void {
  if (method !== 'POST') throw new Error(`method ${method}`);
  const expected = {
    'content-encoding': /^snappy$/,
    'content-type': /^application\/x-protobuf$/,
    'x-prometheus-remote-write-version': /^0\.1\.0$/,
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
