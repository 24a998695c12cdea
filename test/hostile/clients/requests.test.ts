import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningProgram } from '../../running-program.ts';
import { until } from '../../until.ts';
import { Bench, LONELY_SCORER } from '../bench.ts';
import { keeps, record, recordWatched } from '../table/keeps.ts';
import { dial, statusesIn } from './connection.ts';
import { watchProgram } from './watch.ts';

const bench = new Bench();
bench.write('scorer.yaml', LONELY_SCORER);
afterAll(() => bench.remove());

const HEAD = 'HTTP/1.1\r\nHost: a\r\n';

describe.each(['exporter', 'scorer'] as const)('lorikeet-%s', keeps('malformed'), (name) => {
  let program: RunningProgram;
  beforeAll(async () => {
    program = await bench.start(name, [], { watchLoop: true });
  });
  afterAll(async () => {
    expect(program.ended()).toBeUndefined();
    await program.kill();
  });

  it.each(['/metrics', '/-/healthy', '/nowhere'])(
    'closes a connection that sends 20,000 requests for %s without waiting for answers',
    keeps('pipelined'),
    async (path) => {
      const watch = watchProgram(program);
      const { socket, received, closed } = await dial(program.port);
      socket.write(`GET ${path} ${HEAD}\r\n`.repeat(20_000));
      await closed;
      const seen = await watch.stop();
      recordWatched(seen);
      record({ answered: statusesIn(received()).length });
      expect(statusesIn(received()).length).toBeLessThanOrEqual(16);
      expect(seen.unhealthy).toBe(0);
      expect(await program.value(`lorikeet_${name}_web_refusals_total{reason="pipelined"}`)).toBeGreaterThan(0);
    },
  );

  it('renders nothing more for a connection that has left, and keeps no place for it', async () => {
    for (let time = 0; time < 5; time++) {
      const { socket } = await dial(program.port);
      socket.write(`GET /metrics ${HEAD}\r\n`.repeat(10));
      await until('the requests to be read', async () => (await fetch(`${program.url}/-/healthy`)).status === 200);
      socket.destroy();
    }
    await until('a place', async () => (await fetch(`${program.url}/metrics`)).status === 200);
  });

  it.each([
    ['a header of 40 KB', `GET / ${HEAD}X: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    ['headers without an end', `GET / ${HEAD}${'X: a\r\n'.repeat(10_000)}`, 431],
    ['a path of 40 KB', `GET /${'a'.repeat(40_000)} ${HEAD}\r\n`, 431],
    ['HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['two lengths', `GET / ${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`, 400],
    ['a length and chunks', `POST / ${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a body of a gigabyte on GET', `GET /-/healthy ${HEAD}Content-Length: 1000000000\r\n\r\nabc`, 200],
    ['a body of a gigabyte on POST', `POST /-/reload ${HEAD}Content-Length: 1000000000\r\n\r\nabc`, 403],
    ['chunks without an end', `POST /metrics ${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`, 405],
    ['the expectation to continue', `POST /-/reload ${HEAD}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n`, 403],
    ['an unknown expectation', `GET / ${HEAD}Expect: miracles\r\nConnection: close\r\n\r\n`, 417],
    ['a request to be a proxy', `CONNECT example.com:443 ${HEAD}\r\n`, undefined],
  ])('answers %s with a status and closes the connection', async (_, text, status) => {
    const { socket, received, closed } = await dial(program.port);
    socket.write(Buffer.from(text, 'latin1'));
    await closed;
    const statuses = statusesIn(received()).filter((one) => one !== 100);
    expect(statuses).toEqual(status === undefined ? [] : [status]);
  });

  it.each([
    ['to a WebSocket', 'Upgrade: websocket\r\nConnection: Upgrade\r\n'],
    ['to HTTP/2', 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n'],
  ])('answers a request for an upgrade %s without one', async (_, headers) => {
    const { socket, received } = await dial(program.port);
    socket.write(`GET /-/healthy ${HEAD}${headers}\r\n`);
    await until('the answer', () => received().includes('healthy'));
    // The connection is an ordinary one.
    socket.write(`GET /nowhere ${HEAD}\r\n`);
    await until('the second answer', () => statusesIn(received()).length === 2);
    expect(statusesIn(received())).toEqual([200, 404]);
    socket.destroy();
  });

  it('closes connections that trickle: nothing, headers, or a body', async () => {
    const trickling = await Promise.all(
      ['', `GET / ${HEAD}`, `POST /-/reload ${HEAD}Content-Length: 100000\r\n\r\n`].map(async (start) => {
        const connection = await dial(program.port);
        connection.socket.write(start);
        return connection;
      }),
    );
    const trickle = setInterval(() => {
      for (const { socket } of trickling.slice(1)) if (!socket.destroyed) socket.write('a');
    }, 200);
    try {
      await Promise.all(trickling.map(({ closed }) => closed));
    } finally {
      clearInterval(trickle);
    }
    expect(await fetch(`${program.url}/-/healthy`)).toMatchObject({ status: 200 });
  }, 60_000);
});
