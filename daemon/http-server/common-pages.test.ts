import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { Router } from 'express';
import { describe, expect, it } from 'vitest';
import { OPENMETRICS_CONTENT_TYPE } from './accept.ts';
import {
  type AppOptions,
  CONTENT_TYPE,
  exchange,
  SERVER_NAMES,
  SERVERS,
  serve as serveApp,
  until,
} from './testdata/web-server.ts';
import type { WebHandler } from './web-app.ts';

describe.each(SERVER_NAMES)('the common pages on %s', (name) => {
  const serve = (options: AppOptions = {}) => serveApp(SERVERS[name](options));

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
    // Express' types require Express' request, but this router also works with that of Node.js.
    const base = await serve({ ...options, routes: routes as unknown as WebHandler });
    const answer = await exchange(path === '/%zz' ? `${base}/%zz/under` : base + path);
    expect([answer.status, answer.body.toString()]).toEqual([status, text]);
  });

  it.each([
    ['/-/healthy', () => true as const, 200, 'Healthy.\n'],
    ['/-/ready', () => true as const, 200, 'Ready.\n'],
    ['/-/ready', () => 'no answer of http://prometheus:9090', 503, 'Not ready.\n'],
  ])('answers %s ahead of the password if told to, without the reason', async (path, ready, status, text) => {
    const refuse: WebHandler = (_request, response) => void response.writeHead(401).end('who?');
    const options = { ready, before: [refuse] };
    const base = await serve({ ...options, probesWithoutPassword: true });
    const answer = await exchange(base + path);
    expect([answer.status, answer.body.toString()]).toEqual([status, text]);
    expect((await exchange(base + path, { method: 'HEAD' })).status).toBe(status);
    const refused = [
      exchange(base + path, { headers: { authorization: 'Basic YTpi' } }),
      exchange(base + path, { method: 'POST' }),
      exchange(`${base}/metrics`),
      exchange((await serve(options)) + path),
    ];
    expect((await Promise.all(refused)).map((one) => one.status)).toEqual([401, 401, 401, 401]);
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
    const answer = await exchange(`${base}/metrics`, { headers });
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
    // Other clients have places, one each.
    const ofOthers = ['127.0.0.2', '127.0.0.3'].map((localAddress) => exchange(`${base}/metrics`, { localAddress }));
    await until(() => waiting.length === 4);
    for (const localAddress of ['127.0.0.3', '127.0.0.4']) {
      expect((await exchange(`${base}/metrics`, { localAddress })).status).toBe(503);
    }
    for (const finish of waiting.splice(0)) finish();
    const answers = await Promise.all([...held, ...ofOthers]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const again = exchange(`${base}/metrics`);
    await until(() => waiting.length === 1);
    waiting.pop()?.();
    expect((await again).status).toBe(200);
  });

  it('renders for others while clients do not read their pages, and cuts the slowest of too many', async () => {
    const body = Buffer.alloc(2 ** 24, 'x');
    let released = 0;
    const base = await serve({
      maxConcurrentScrapes: 1,
      metrics: () => Promise.resolve({ contentType: CONTENT_TYPE, body, release: () => void released++ }),
    });
    const slow: ClientRequest[] = [];
    for (let reader = 0; reader < 6; reader++) {
      const sent = request(`${base}/metrics`, { agent: false }).on('error', () => undefined);
      slow.push(sent.end());
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      expect(answer.statusCode).toBe(200);
      answer.on('error', () => undefined);
    }
    // Four pages of 16 MB are 64 MB.
    await until(() => released === 2);
    for (const sent of slow) sent.destroy();
    await until(() => released === 6);
  });

  it('releases the page and the slot of a client that disconnected or was served', async () => {
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
    const served = exchange(`${base}/metrics`, { headers: { 'accept-encoding': 'gzip' } });
    await until(() => waiting.length === 1);
    expect(released).toBe(1);
    waiting.pop()?.();
    expect((await served).status).toBe(200);
    await until(() => released === 2);
  });

  it.each([
    ['application/openmetrics-text;version=1.0.0', OPENMETRICS_CONTENT_TYPE, '# TYPE a counter\na_total 1\n# EOF\n'],
    ['text/plain', CONTENT_TYPE, '# TYPE a_total counter\na_total 1\n'],
  ])('converts text to the format requested by %s', async (accept, contentType, body) => {
    const text = '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n';
    const base = await serve({ metrics: () => Promise.resolve({ contentType: CONTENT_TYPE, body: text }) });
    const answer = await exchange(`${base}/metrics`, { headers: { accept } });
    expect(answer.headers['content-type']).toBe(contentType);
    expect(answer.headers.vary).toBe('Accept, Accept-Encoding');
    expect(answer.body.toString()).toContain(body);
  });

  it("aborts a scrape when its client's timeout is nearly over", async () => {
    let reason: unknown;
    const base = await serve({
      metrics: async ({ signal }) => {
        await once(signal, 'abort');
        reason = signal.reason;
        return { contentType: CONTENT_TYPE, body: 'half 1\n' };
      },
    });
    const answer = await exchange(`${base}/metrics`, { headers: { 'x-prometheus-scrape-timeout-seconds': '2' } });
    expect([answer.status, answer.body.toString()]).toEqual([200, 'half 1\n']);
    expect(reason).toMatchObject({ name: 'ScrapeAbort', code: 'TIMEOUT' });
  });

  it('answers 503 when a scrape outlasts its timeout, and counts it until it ends', async () => {
    const waiting: (() => void)[] = [];
    let released = 0;
    const page = { contentType: CONTENT_TYPE, body: 'up 1\n', release: () => void released++ };
    const base = await serve({
      maxConcurrentScrapes: 1,
      metrics: () => new Promise((resolve) => waiting.push(() => resolve(page))),
    });
    const answer = await exchange(`${base}/metrics`, { headers: { 'x-prometheus-scrape-timeout-seconds': '0.01' } });
    expect([answer.status, answer.body.toString()]).toEqual([503, 'Not rendered within the scrape timeout.\n']);
    expect((await exchange(`${base}/metrics`)).headers['retry-after']).toBe('1');
    waiting.pop()?.();
    await until(() => released === 1);
    const again = exchange(`${base}/metrics`, { headers: { 'x-prometheus-scrape-timeout-seconds': 'soon' } });
    await until(() => waiting.length === 1);
    waiting.pop()?.();
    expect((await again).status).toBe(200);
  });

  it.each([
    ['GET', '/metrics/?name=up', 200, undefined],
    ['GET', '/constructor', 404, undefined],
    ['GET', '/METRICS', 404, undefined],
    ['HEAD', '/', 200, undefined],
    ['HEAD', '/metrics', 200, undefined],
    ['HEAD', '/nowhere', 404, undefined],
    ['POST', '/metrics', 405, 'GET, HEAD'],
    ['DELETE', '/', 405, 'GET, HEAD'],
    ['OPTIONS', '/-/healthy', 405, 'GET, HEAD'],
    ['POST', '/nowhere', 404, undefined],
    ['GET', '/-/reload', 405, 'POST, PUT'],
    ['HEAD', '/-/reload', 405, 'POST, PUT'],
  ])('%s %s answers %d, allowing %s', async (method, path, status, allowed) => {
    const { headers, body, ...answer } = await exchange((await serve()) + path, { method });
    expect([answer.status, headers.allow]).toEqual([status, allowed]);
    expect(headers['x-powered-by']).toBeUndefined();
    if (method === 'HEAD') expect(body.length).toBe(0);
  });

  const reload = (): void => undefined;
  it.each([
    ['POST', {}, 403],
    ['GET', { enableLifecycle: true, reload }, 405],
    ['POST', { enableLifecycle: true, reload }, 200],
    ['POST', { enableLifecycle: true, reload: () => Promise.reject(new Error('targets.yaml: no such file')) }, 500],
  ] as const)('%s /-/reload with %o answers %d', async (method, options, status) => {
    const answer = await exchange(`${await serve(options)}/-/reload`, { method });
    expect(answer.status).toBe(status);
    if (status === 500) expect(answer.body.toString()).toBe('Reload failed: targets.yaml: no such file\n');
  });

  it('runs the handlers before the routes first', async () => {
    const base = await serve({ before: [(_request, response) => void response.writeHead(401).end('who?')] });
    for (const path of ['/', '/metrics', '/-/healthy']) expect((await exchange(base + path)).status).toBe(401);
  });
});
