import { once } from 'node:events';
import { Agent, createServer, type RequestListener } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { closeLater, CONTENT_TYPE, exchange, SERVERS, until } from './testdata/web-server.ts';
import { listen, parseListenAddress } from './web-app.ts';

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
    const listener = await listen(SERVERS['node:http'](), '[::1]:0');
    closeLater(listener);
    expect(listener.address).toMatch(/^\[::1\]:\d+$/);
    expect((await exchange(`http://${listener.address}/-/healthy`)).status).toBe(200);
  });

  it('reports an address in use in one line', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      await expect(listen(SERVERS['node:http'](), address)).rejects.toThrow(
        new RegExp(`^listen ${address}: address in use$`),
      );
    } finally {
      other.close();
    }
  });

  it('closes idle connections immediately and lets pending requests finish', async () => {
    let finish: (() => void) | undefined;
    const listener = await listen(
      SERVERS['node:http']({
        metrics: () =>
          new Promise((resolve) => (finish = () => resolve({ contentType: CONTENT_TYPE, body: 'up 1\n' }))),
      }),
      '127.0.0.1:0',
      { drainMs: 60_000 },
    );
    const agent = new Agent({ keepAlive: true });
    try {
      await exchange(`http://${listener.address}/-/healthy`, { agent });
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
    ['never ends its headers', 'GET /-/healthy HTTP/1.1\r\nHost: a\r\nX-More: ', { headersMs: 30 }],
    [
      'never ends its body',
      'POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc',
      { headersMs: 20, requestMs: 40 },
    ],
    ['stays after its answer', 'GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n', { idleMs: 30 }],
    ['waits for an answer that never comes', 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n', { silentMs: 30 }],
  ])('ends a connection that %s', async (_name, sent, limits) => {
    const app = SERVERS['node:http']();
    const handler: RequestListener = (incoming, response) => {
      if (incoming.url !== '/metrics') app(incoming, response);
    };
    const listener = await listen(handler, '127.0.0.1:0', { drainMs: 1, limits: { ...PATIENT, ...limits } });
    closeLater(listener);
    const socket = connect(Number(listener.address.split(':')[1]), '127.0.0.1').on('error', () => undefined);
    const closed = once(socket, 'close');
    socket.resume().write(sent);
    await closed;
  });

  it('cuts requests that outlast the drain', async () => {
    let asked = false;
    const listener = await listen(
      SERVERS['node:http']({
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
