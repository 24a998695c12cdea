import { once } from 'node:events';
import { createServer, request, Agent, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Router } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createWebApp,
  listen,
  parseListenAddress,
  type Listener,
  type WebAppOptions,
  type WebHandler,
} from './http.ts';

const open: Listener[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

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
