import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

export interface FloodOptions {
  /** Default: a gibibyte. */
  readonly bytes?: number;
  readonly end?: string;
}

/**
 * Sends `start`, then `unit` over and over until the client hangs up or `bytes` are sent, then `end`. Resolves with the
 * bytes that left; those in the buffers of the sockets, a few MiB, count too.
 */
export async function flood(
  response: ServerResponse,
  start: string,
  unit: string,
  { bytes = 2 ** 30, end = '' }: FloodOptions = {},
): Promise<number> {
  const chunk = Buffer.from(unit.repeat(Math.ceil(65_536 / unit.length)));
  const closed = once(response, 'close').catch(() => undefined);
  response.on('error', () => undefined);
  response.write(start);
  let sent = start.length;
  while (sent < bytes && !response.destroyed) {
    sent += chunk.length;
    if (response.write(chunk)) await new Promise((resolve) => setImmediate(resolve));
    else await Promise.race([closed, once(response, 'drain').catch(() => undefined)]);
  }
  if (!response.destroyed) response.end(end);
  return sent;
}
