import { once } from 'node:events';
import { createServer, request, Agent, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Router } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { OPENMETRICS_CONTENT_TYPE, TEXT_CONTENT_TYPE } from './accept.ts';
import {
  createWebApp,
  listen,
  parseListenAddress,
  type Listener,
  type WebAppOptions,
  type WebHandler,
} from './web-app.ts';

const open: Listener[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

const CONTENT_TYPE = TEXT_CONTENT_TYPE;

function appWith(options: Partial<WebAppOptions> = {}): RequestListener {
  return createWebApp({
    name: 'lorikeet-test',
    description: 'A program <under> test.',
    metrics: () => Promise.resolve({ contentType: CONTENT_TYPE, body: 'up 1\n' }),
    ready: () => true,
    ...options,
  });
}

async function serve(options: Partial<WebAppOptions> = {}): Promise<string> {
  const listener = await listen(appWith(options), '127.0.0.1:0');
  open.push(listener);
  return `http://${listener.address}`;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A plain exchange that, unlike fetch, neither adds Accept-Encoding nor decompresses. */
async function exchange(
  url: string,
  headers: Record<string, string> = {},
  agent: Agent | false = false,
): Promise<Answer> {
  const sent = request(url, { headers, agent }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
}

describe('createWebApp', () => {
  it.each([
    ['/-/healthy', {}, 200, 'lorikeet-test is healthy.\n'],
    ['/-/ready', {}, 200, 'lorikeet-test is ready.\n'],
    ['/-/ready', { ready: () => 'no cycle yet' }, 503, 'lorikeet-test is not ready: no cycle yet\n'],
    ['/metrics', {}, 200, 'up 1\n'],
    ['/metrics', { metrics: () => Promise.reject(new Error('torn')) }, 500, 'torn\n'],
    ['/nowhere', {}, 404, 'Not found.\n'],
    ['/%zz', {}, 400, "Failed to decode param '%zz'\n"],
  ] as const)('answers %s %o with %d', async (path, options, status, text) => {
    const routes = Router().get('/:any/under', (_request, response) => void response.end());
    // Express' types ask for Express' request; what this router does works with Node's.
    const base = await serve({ ...options, routes: routes as unknown as WebHandler });
    const answer = await exchange(path === '/%zz' ? `${base}/%zz/under` : base + path);
    expect([answer.status, answer.body.toString()]).toEqual([status, text]);
  });

  it('links its pages and escapes text on the landing page', async () => {
    const base = await serve({ links: { '/tensors': 'Tensors & images' } });
    const page = (await exchange(`${base}/`)).body.toString();
    expect(page).toContain('<p>A program &lt;under&gt; test.</p>');
    expect(page).toContain('<a href="/metrics">Metrics</a>');
    expect(page).toContain('<a href="/tensors">Tensors &amp; images</a>');
  });

  it.each([
    [{}, undefined],
    [{ 'accept-encoding': 'gzip' }, 'gzip'],
    [{ 'accept-encoding': 'gzip;q=0' }, undefined],
    [{ 'accept-encoding': 'br, gzip;q=0.5' }, 'gzip'],
  ])('compresses /metrics only when asked: %o', async (headers, encoding) => {
    const base = await serve();
    const answer = await exchange(`${base}/metrics`, headers);
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.headers['content-type']).toBe(CONTENT_TYPE);
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    const body = encoding === 'gzip' ? gunzipSync(answer.body) : answer.body;
    expect(body.toString()).toBe('up 1\n');
  });

  it('answers 503 to scrapes beyond the limit and recovers', async () => {
    const waiting: (() => void)[] = [];
    const base = await serve({
      maxConcurrentScrapes: 2,
      metrics: () =>
        new Promise((resolve) => waiting.push(() => resolve({ contentType: CONTENT_TYPE, body: 'up 1\n' }))),
    });
    const held = [exchange(`${base}/metrics`), exchange(`${base}/metrics`)];
    await until(() => waiting.length === 2);
    expect((await exchange(`${base}/metrics`)).status).toBe(503);
    for (const finish of waiting.splice(0)) finish();
    expect((await Promise.all(held)).map((answer) => answer.status)).toEqual([200, 200]);
    const again = exchange(`${base}/metrics`);
    await until(() => waiting.length === 1);
    waiting.pop()?.();
    expect((await again).status).toBe(200);
  });

  it('releases the page and the place of a client that left, or was served', async () => {
    let released = 0;
    const waiting: (() => void)[] = [];
    const page = { contentType: CONTENT_TYPE, body: Buffer.from('up 1\n'), release: () => void released++ };
    const base = await serve({
      maxConcurrentScrapes: 1,
      metrics: () => new Promise((resolve) => waiting.push(() => resolve(page))),
    });
    const left = request(`${base}/metrics`, { agent: false }).on('error', () => undefined);
    left.end();
    await until(() => waiting.length === 1);
    const gone = new Promise((resolve) => left.once('close', resolve));
    left.destroy();
    await gone;
    waiting.pop()?.();
    await until(() => released === 1);
    const served = exchange(`${base}/metrics`, { 'accept-encoding': 'gzip' });
    await until(() => waiting.length === 1);
    expect(released).toBe(1);
    waiting.pop()?.();
    expect((await served).status).toBe(200);
    await until(() => released === 2);
  });

  it.each([
    ['application/openmetrics-text;version=1.0.0', OPENMETRICS_CONTENT_TYPE, '# TYPE a counter\na_total 1\n# EOF\n'],
    ['text/plain', CONTENT_TYPE, '# TYPE a_total counter\na_total 1\n'],
  ])('turns text into what %s asks for', async (accept, contentType, body) => {
    const text = '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n';
    const base = await serve({ metrics: () => Promise.resolve({ contentType: CONTENT_TYPE, body: text }) });
    const answer = await exchange(`${base}/metrics`, { accept });
    expect(answer.headers['content-type']).toBe(contentType);
    expect(answer.headers.vary).toBe('Accept, Accept-Encoding');
    expect(answer.body.toString()).toContain(body);
  });

  it("tells a scrape when its client's timeout is nearly over", async () => {
    let reason: unknown;
    const base = await serve({
      metrics: async ({ signal }) => {
        await once(signal, 'abort');
        reason = signal.reason;
        return { contentType: CONTENT_TYPE, body: 'half 1\n' };
      },
    });
    const answer = await exchange(`${base}/metrics`, { 'x-prometheus-scrape-timeout-seconds': '2' });
    expect([answer.status, answer.body.toString()]).toEqual([200, 'half 1\n']);
    expect(reason).toMatchObject({ name: 'ScrapeAbort', code: 'TIMEOUT' });
  });

  it('answers 503 when a scrape outlasts its timeout, and keeps its place until it ends', async () => {
    const waiting: (() => void)[] = [];
    let released = 0;
    const page = { contentType: CONTENT_TYPE, body: 'up 1\n', release: () => void released++ };
    const base = await serve({
      maxConcurrentScrapes: 1,
      metrics: () => new Promise((resolve) => waiting.push(() => resolve(page))),
    });
    const answer = await exchange(`${base}/metrics`, { 'x-prometheus-scrape-timeout-seconds': '0.01' });
    expect([answer.status, answer.body.toString()]).toEqual([503, "Not rendered within the scrape's timeout.\n"]);
    expect((await exchange(`${base}/metrics`)).headers['retry-after']).toBe('1');
    waiting.pop()?.();
    await until(() => released === 1);
    const again = exchange(`${base}/metrics`, { 'x-prometheus-scrape-timeout-seconds': 'soon' });
    await until(() => waiting.length === 1);
    waiting.pop()?.();
    expect((await again).status).toBe(200);
  });

  it.each([
    ['HEAD', '/metrics', 200],
    ['POST', '/metrics', 405],
    ['GET', '/metrics/?name=up', 200],
    ['GET', '/constructor', 404],
  ])('%s %s answers %d', async (method, path, status) => {
    expect((await fetch((await serve()) + path, { method })).status).toBe(status);
  });

  const reload = (): void => undefined;
  it.each([
    ['POST', {}, 403],
    ['GET', { enableLifecycle: true, reload }, 405],
    ['POST', { enableLifecycle: true, reload }, 200],
    ['POST', { enableLifecycle: true, reload: () => Promise.reject(new Error('targets.yaml: no such file')) }, 500],
  ] as const)('%s /-/reload with %o answers %d', async (method, options, status) => {
    const answer = await fetch(`${await serve(options)}/-/reload`, { method });
    expect(answer.status).toBe(status);
    if (status === 500) expect(await answer.text()).toBe('Reload failed: targets.yaml: no such file\n');
  });

  it('runs what stands before the routes first', async () => {
    const base = await serve({ before: [(_request, response) => void response.writeHead(401).end('who?')] });
    for (const path of ['/', '/metrics', '/-/healthy']) expect((await exchange(base + path)).status).toBe(401);
  });
});

describe('parseListenAddress', () => {
  it.each([
    [':9400', { host: undefined, port: 9400 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:9400', { host: '::1', port: 9400 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
  ])('reads %s', (text, expected) => expect(parseListenAddress(text)).toEqual(expected));

  it.each(['9400', '', ':', '::1:9400', ':99999', '[127.0.0.1', 'host:http', ':-1'])('refuses "%s"', (text) => {
    expect(() => parseListenAddress(text)).toThrow(/--web\.listen-address: expected \[host\]:port/);
  });
});

describe('listen', () => {
  it('serves IPv6', async () => {
    const listener = await listen(appWith(), '[::1]:0');
    open.push(listener);
    expect(listener.address).toMatch(/^\[::1\]:\d+$/);
    expect((await exchange(`http://${listener.address}/-/healthy`)).status).toBe(200);
  });

  it('says in one line that the address is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      await expect(listen(appWith(), address)).rejects.toThrow(new RegExp(`^listen ${address}: address in use$`));
    } finally {
      other.close();
    }
  });

  it('ends idle connections at once and lets requests under way finish', async () => {
    let finish: (() => void) | undefined;
    const listener = await listen(
      appWith({
        metrics: () =>
          new Promise((resolve) => (finish = () => resolve({ contentType: CONTENT_TYPE, body: 'up 1\n' }))),
      }),
      '127.0.0.1:0',
      { drainMs: 60_000 },
    );
    const agent = new Agent({ keepAlive: true });
    try {
      await exchange(`http://${listener.address}/-/healthy`, {}, agent);
      const held = exchange(`http://${listener.address}/metrics`);
      await until(() => finish !== undefined);
      const closed = listener.close();
      expect(await Promise.race([closed.then(() => 'closed'), new Promise(setImmediate).then(() => 'waiting')])).toBe(
        'waiting',
      );
      finish?.();
      expect((await held).body.toString()).toBe('up 1\n');
      await closed;
      await expect(exchange(`http://${listener.address}/-/healthy`)).rejects.toThrow(/ECONNREFUSED/);
      await listener.close();
    } finally {
      agent.destroy();
    }
  });

  const PATIENT = { headersMs: 60_000, requestMs: 60_000, silentMs: 60_000, idleMs: 60_000, checkMs: 10 };
  it.each([
    ['says nothing', '', { headersMs: 30 }],
    ["doesn't end its headers", 'GET /-/healthy HTTP/1.1\r\nHost: a\r\nX-More: ', { headersMs: 30 }],
    [
      "doesn't end its body",
      'POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc',
      { headersMs: 20, requestMs: 40 },
    ],
    ['stays after its answer', 'GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n', { idleMs: 30 }],
    ['waits for an answer that never comes', 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n', { silentMs: 30 }],
  ])('ends a connection that %s', async (_what, sent, limits) => {
    const app = appWith();
    const handler: RequestListener = (incoming, response) => {
      if (incoming.url !== '/metrics') app(incoming, response);
    };
    const listener = await listen(handler, '127.0.0.1:0', { drainMs: 1, limits: { ...PATIENT, ...limits } });
    open.push(listener);
    const socket = connect(Number(listener.address.split(':')[1]), '127.0.0.1').on('error', () => undefined);
    const closed = once(socket, 'close');
    socket.resume().write(sent);
    await closed;
  });

  it('takes no more connections than its limit', async () => {
    const listener = await listen(appWith(), '127.0.0.1:0', { limits: { connections: 2 } });
    open.push(listener);
    const dial = () => connect(Number(listener.address.split(':')[1]), '127.0.0.1').on('error', () => undefined);
    const held = [dial(), dial()];
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    const refused = dial().resume();
    await once(refused, 'close');
    held[0]?.destroy();
    const url = `http://${listener.address}/-/healthy`;
    let answer: Answer | undefined;
    while (answer === undefined) answer = await exchange(url).catch(() => undefined);
    expect(answer.status).toBe(200);
    held[1]?.destroy();
  });

  it('cuts requests that outlast the drain', async () => {
    let asked = false;
    const listener = await listen(
      appWith({
        metrics: () => {
          asked = true;
          return new Promise(() => undefined);
        },
      }),
      '127.0.0.1:0',
      { drainMs: 1 },
    );
    const held = exchange(`http://${listener.address}/metrics`).catch((error: Error) => error.message);
    await until(() => asked);
    await listener.close();
    expect(await held).toMatch(/socket hang up|ECONNRESET/);
  });
});
