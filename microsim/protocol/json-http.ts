import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** Sent as a response by `serveJson`, thrown with the same status and message by `requestJson`. */
export class JsonHttpError extends Error {
  readonly code = 'JSON_HTTP';
  override readonly name = 'JsonHttpError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Gets the parsed body (undefined without one) and returns the JSON response. */
export type JsonHandler = (body: unknown) => unknown;

/** The path of a UNIX socket, or host and port. */
export type JsonAddress = string | { readonly host: string; readonly port: number };

const MAX_BODY = 64 * 1024;

/**
 * Serves JSON over HTTP. A UNIX socket has no TCP traffic, so it does not affect measurements.
 *
 * @param routes by method and path, such as `GET /stats`.
 */
export async function serveJson(address: JsonAddress, routes: Readonly<Record<string, JsonHandler>>): Promise<Server> {
  const server = createServer((incoming, response) => {
    void answer(incoming, response, routes);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(typeof address === 'string' ? { path: address } : address, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, JsonHandler>>,
): Promise<void> {
  let status = 200;
  let body: unknown;
  try {
    const key = `${incoming.method} ${incoming.url?.split('?')[0]}`;
    const handler = Object.hasOwn(routes, key) ? routes[key] : undefined;
    if (handler === undefined) throw new JsonHttpError(404, `no such resource: ${key}`);
    body = await handler(await readJson(incoming));
  } catch (error) {
    status = error instanceof JsonHttpError ? error.status : 500;
    body = { error: (error as Error).message };
  }
  const text = `${JSON.stringify(body ?? {})}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** The parsed body; undefined if empty. */
async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const text = await readText(incoming, MAX_BODY);
  if (text === undefined) throw new JsonHttpError(413, `expected at most ${MAX_BODY} bytes`);
  if (text === '') return undefined;
  // Browsers send this type to other origins only after a preflight, so no web page can inject faults into a local API.
  if (incoming.headers['content-type'] !== 'application/json') {
    throw new JsonHttpError(415, 'expected content-type: application/json');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new JsonHttpError(400, 'expected JSON');
  }
}

/** The body as text; undefined if it has more than `max` bytes. Rejects if the connection breaks. */
export async function readText(incoming: IncomingMessage, max: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= max) chunks.push(chunk);
  }
  return size > max ? undefined : Buffer.concat(chunks).toString();
}

/**
 * One request to a UNIX socket.
 *
 * @param call method and path, such as `GET /stats`.
 * @throws JsonHttpError on any status but 200; otherwise a system error (ECONNREFUSED, ENOENT ...) or a timeout.
 */
export async function requestJson(
  socketPath: string,
  call: string,
  body?: unknown,
  timeoutMs = 10_000,
): Promise<unknown> {
  const [method, path] = call.split(' ');
  const text = body === undefined ? '' : JSON.stringify(body);
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({
      socketPath,
      method,
      path,
      agent: false,
      headers: text === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      signal: AbortSignal.timeout(timeoutMs),
    });
    outgoing.on('error', reject);
    outgoing.on('response', resolve);
    outgoing.end(text);
  });
  const answered: unknown = JSON.parse((await readText(incoming, 16 * 1024 * 1024)) ?? 'null');
  if (incoming.statusCode !== 200) {
    const { error } = answered as { error?: string };
    throw new JsonHttpError(incoming.statusCode ?? 0, error ?? 'no reason given');
  }
  return answered;
}
