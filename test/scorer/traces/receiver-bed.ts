import { Registry } from 'prom-client';
import { afterEach } from 'vitest';
import { createLogger } from '../../../daemon/logger.ts';
import { WebConfigFile } from '../../../daemon/web-config/web-config-file.ts';
import { tracesSchema } from '../../../scorer/traces/config.ts';
import { TraceReceiver, type TraceReceiverOptions } from '../../../scorer/traces/receiver/receiver.ts';
import type { Trace } from '../../../scorer/traces/span.ts';

const open: TraceReceiver[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((receiver) => receiver.stop()));
});

export interface BedOptions {
  /** Keys of the section `traces`. */
  readonly keys?: Readonly<Record<string, unknown>>;
  readonly limits?: TraceReceiverOptions['limits'];
  /** The path of a web configuration. */
  readonly webConfig?: string;
}

/** A receiver that runs until the test ends. */
export async function receive({ keys = {}, limits, webConfig }: BedOptions = {}) {
  const log: string[] = [];
  const traces: Trace[] = [];
  const registry = new Registry();
  const logger = createLogger({ write: (line) => void log.push(line) });
  const receiver = new TraceReceiver({
    config: tracesSchema.parse({ listen_address: '127.0.0.1:0', wait: '200ms', ...keys }),
    registry,
    logger,
    web: webConfig === undefined ? undefined : new WebConfigFile(webConfig, logger),
    ...(limits !== undefined && { limits }),
  });
  receiver.onTrace((trace) => traces.push(trace));
  open.push(receiver);
  const address = await receiver.start();
  return {
    receiver,
    address,
    url: `http://${address}/v1/traces`,
    traces,
    log,
    /** The value of a series as /metrics has it; undefined without one. */
    metric: async (series: string): Promise<number | undefined> => {
      const line = (await registry.metrics()).split('\n').find((text) => text.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length));
    },
  };
}

export interface Reply {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly body: Buffer;
}

export async function post(url: string, body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Reply> {
  const response = await fetch(url, { method: 'POST', body: Buffer.from(body), headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    headers: response.headers,
    body: bytes,
  };
}

export const JSON_HEADERS = { 'content-type': 'application/json' };
export const PROTOBUF_HEADERS = { 'content-type': 'application/x-protobuf' };
