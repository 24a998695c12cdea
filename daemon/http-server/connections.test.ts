import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { refusals, type RefusalReason } from '../refusals/refusals.ts';
import { closeLater, until } from './testdata/web-server.ts';
import { listen, type ListenOptions } from './web-app.ts';

const LIMITS = { checkMs: 10, connections: 3, busyMs: 60_000 };

/** Serves responses that the test ends itself, except for `/now`. */
async function start(limits: ListenOptions['limits'] = {}) {
  const held: ServerResponse[] = [];
  const handler: RequestListener = (request, response) => {
    if (request.url === '/now') response.end('done');
    else if (request.url === '/refused') response.writeHead(401).end();
    else held.push(response);
  };
  const listener = await listen(handler, '127.0.0.1:0', { drainMs: 1, limits: { ...LIMITS, ...limits } });
  closeLater(listener);
  const port = Number(listener.address.split(':')[1]);
  const dial = async (localAddress = '127.0.0.1'): Promise<Client> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined);
    const client: Client = { socket, text: '', closed: false };
    socket.on('data', (chunk) => (client.text += chunk.toString()));
    socket.once('close', () => (client.closed = true));
    await once(socket, 'connect');
    return client;
  };
  const ask = async (client: Client, path: string): Promise<void> => {
    client.text = '';
    client.socket.write(request(path));
    if (path === '/now') await until(() => client.text.endsWith('done'));
    else await until(() => held.length > 0);
  };
  return { held, dial, ask };
}

interface Client {
  readonly socket: Socket;
  text: string;
  closed: boolean;
}

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Counts refusals from now on. */
function counted(reason: RefusalReason): () => number {
  const before = refusals.of(reason);
  return () => refusals.of(reason) - before;
}

describe('Connections', () => {
  it('closes the connection that has been idle longest for a new one', async () => {
    const { dial, ask } = await start();
    const gaveWay = counted('idle_connection');
    const [first, second, third] = [await dial(), await dial(), await dial()];
    for (const client of [second, third, first]) await ask(client, '/now');
    const fourth = await dial();
    await ask(fourth, '/now');
    await until(() => second.closed);
    expect([first.closed, third.closed, fourth.closed, gaveWay()]).toEqual([false, false, false, 1]);
  });

  it('closes one of the client with most connections, not the longest idle one of another', async () => {
    const { dial, ask } = await start();
    const kept = await dial('127.0.0.2');
    await ask(kept, '/now');
    const [second, third] = [await dial(), await dial()];
    for (const client of [second, third]) await ask(client, '/now');
    const fourth = await dial('127.0.0.3');
    await ask(fourth, '/now');
    await until(() => second.closed);
    expect([kept.closed, third.closed]).toEqual([false, false]);
  });

  it('closes an idle connection rather than one with a request under way', async () => {
    const { dial, ask } = await start({ busyMs: 0 });
    const busy = await dial();
    await ask(busy, '/wait');
    const [idle, other] = [await dial(), await dial()];
    await ask(await dial(), '/now');
    await until(() => idle.closed);
    expect([busy.closed, other.closed]).toEqual([false, false]);
  });

  it('refuses a new connection while every request is under way, and closes one that is for long', async () => {
    const { dial, held } = await start({ busyMs: 500 });
    const [refused, gaveWay] = [counted('connections'), counted('busy_connection')];
    const busy = [await dial(), await dial(), await dial()];
    for (const client of busy) client.socket.write(request('/wait'));
    await until(() => held.length === 3);
    const early = await dial();
    await until(() => early.closed);
    expect([refused(), gaveWay(), busy.some(({ closed }) => closed)]).toEqual([1, 0, false]);
    while (gaveWay() === 0) await dial();
    await until(() => busy.some(({ closed }) => closed));
  });

  it('closes a connection with too many requests at once, and begins no further one', async () => {
    const { dial, held } = await start({ pipelined: 4 });
    const refused = counted('pipelined');
    const client = await dial();
    client.socket.write(request('/wait').repeat(1000));
    await until(() => client.closed);
    expect([held.length, refused()]).toEqual([4, 1]);
  });

  it('tells the handler of each request that waits for its turn that the client has left', async () => {
    const { dial, held } = await start();
    const client = await dial();
    client.socket.write(request('/wait').repeat(3));
    await until(() => held.length === 3);
    let closed = 0;
    for (const response of held) response.once('close', () => closed++);
    client.socket.destroy();
    await until(() => closed === 3);
    expect(held.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('closes the connection of a client that does not read its response', async () => {
    const { dial, held } = await start({ unreadMs: 20 });
    const unread = counted('unread');
    const client = await dial();
    client.socket.write(request('/wait'));
    await until(() => held.length === 1);
    client.socket.pause();
    held[0]?.end(Buffer.alloc(64 * 2 ** 20));
    await until(() => unread() === 1);
    client.socket.resume();
    await until(() => client.closed);
  });

  it('keeps a connection less long after a refusal than after an answer', async () => {
    const { dial, ask } = await start({ refusedIdleMs: 30, idleMs: 60_000 });
    const [refused, answered] = [await dial(), await dial()];
    await ask(answered, '/now');
    refused.socket.write(request('/refused'));
    await until(() => refused.closed);
    expect(answered.closed).toBe(false);
  });

  it('answers a request with an endless body and closes the connection', async () => {
    const { dial } = await start();
    const client = await dial();
    client.socket.write('GET /now HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nabc');
    await until(() => client.closed);
    expect(client.text).toContain('HTTP/1.1 200 OK');
  });
});
