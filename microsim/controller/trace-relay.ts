import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from '../../daemon/logger.ts';

const MAX_BODY = 4 * 1024 * 1024;
const MAX_CONCURRENT = 16;
const TIMEOUT_MS = 10_000;

/**
 * Passes spans of the services on to `url`. The services' network has no way out; a UNIX socket has no TCP traffic, so
 * that spans do not affect measurements. While the endpoint does not answer, services get 503 and send again, then drop.
 */
export async function serveTraceRelay(socketPath: string, url: string, logger: Logger): Promise<Server> {
  let active = 0;
  let failing = false;
  const relay = async (incoming: IncomingMessage): Promise<number> => {
    const body = await readBody(incoming);
    if (body === undefined) return 413;
    try {
      const headers = { 'content-type': incoming.headers['content-type'] ?? '', ...encodingOf(incoming) };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const { status } = await fetch(url, { method: 'POST', body, headers, signal });
      if (failing) logger.info('spans are sent again', { url });
      failing = false;
      return status;
    } catch (error) {
      if (!failing) logger.warn('spans cannot be sent', { url, error: error as Error });
      failing = true;
      return 503;
    }
  };
  const answer = async (incoming: IncomingMessage, response: ServerResponse) => {
    const busy = active >= MAX_CONCURRENT;
    if (busy) incoming.resume();
    active += 1;
    const status = busy ? 429 : await relay(incoming).catch(() => 400);
    active -= 1;
    response.writeHead(status, { 'content-length': 0 }).end();
  };
  const server = createServer((incoming, response) => void answer(incoming, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return server;
}

function encodingOf({ headers }: IncomingMessage): Record<string, string> {
  const encoding = headers['content-encoding'];
  return encoding === undefined ? {} : { 'content-encoding': encoding };
}

/** Undefined if it is too long. Rejects if the connection breaks. */
async function readBody(incoming: IncomingMessage): Promise<Buffer<ArrayBuffer> | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
  }
  return size > MAX_BODY ? undefined : Buffer.concat(chunks);
}
