import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { hashSync } from 'bcryptjs';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../scripts/free-port.ts';
import { makeAuthority } from '../../daemon/certificates.ts';
import type { RunningProgram } from '../../running-program.ts';
import { until } from '../../until.ts';
import { Bench, LONELY_SCORER } from '../bench.ts';
import { keeps, recordWatched } from '../table/keeps.ts';
import { dial, dialMany, hangUp, statusesIn } from './connection.ts';
import { watchProgram } from './watch.ts';

/** `connections` of DEFAULT_LIMITS. */
const PLACES = 512;
const GET = 'GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n';
const bench = new Bench();
const authorization = `Basic ${Buffer.from('prometheus:secret').toString('base64')}`;
bench.write('scorer.yaml', LONELY_SCORER);
bench.write('web.yaml', `basic_auth_users: { prometheus: ${hashSync('secret', 4)} }\n`);
afterAll(() => bench.remove());

const refused = (program: RunningProgram, name: string, reason: string, headers = {}) =>
  program.value(`lorikeet_${name}_web_refusals_total{reason="${reason}"}`, headers);

describe.each(['exporter', 'scorer'] as const)('lorikeet-%s', keeps('idle_connections'), (name) => {
  it('stays healthy with 512 idle connections that were answered, and counts those that gave way', async () => {
    const program = await bench.start(name, [], { watchLoop: true });
    try {
      const idle = await dialMany(PLACES, program.port, GET);
      await until('all answers', () => idle.every(({ received }) => received().includes('healthy')));
      const watch = watchProgram(program);
      await until('one to give way', async () => (await refused(program, name, 'idle_connection')) > 0);
      const seen = await watch.stop();
      recordWatched(seen);
      expect(seen.unhealthy).toBe(0);
      // The oldest gave way.
      expect([idle[0]?.isClosed(), idle.at(-1)?.isClosed()]).toEqual([true, false]);
      hangUp(idle);
    } finally {
      await program.kill();
    }
  });

  it('stays healthy with 600 connections that say nothing, or half a request', async () => {
    const program = await bench.start(name, [], { watchLoop: true });
    try {
      const silent = [
        ...(await dialMany(300, program.port, '')),
        ...(await dialMany(300, program.port, 'GET / HTTP/1.1\r\nX: ')),
      ];
      const watch = watchProgram(program);
      await until('refusals', async () => (await refused(program, name, 'idle_connection')) >= 600 - PLACES);
      const seen = await watch.stop();
      recordWatched(seen);
      expect(seen.unhealthy).toBe(0);
      hangUp(silent);
    } finally {
      await program.kill();
    }
  });

  it('soon closes idle connections of clients without a password, and keeps those of others', async () => {
    const program = await bench.start(name, ['--web.config.file=web.yaml']);
    try {
      const known = await dial(program.port);
      known.socket.write(GET.replace('\r\n\r\n', `\r\nAuthorization: ${authorization}\r\n\r\n`));
      const strangers = await dialMany(20, program.port, GET);
      await until('all to be closed', () => strangers.every(({ isClosed }) => isClosed()), { timeoutMs: 25_000 });
      expect(strangers.every(({ received }) => received().startsWith('HTTP/1.1 401'))).toBe(true);
      expect([known.isClosed(), statusesIn(known.received())]).toEqual([false, [200]]);
      hangUp([known]);
    } finally {
      await program.kill();
    }
  });
});

it('a client with few connections keeps them while another opens a thousand', keeps('idle_connections'), async () => {
  const program = await bench.start('exporter');
  try {
    const few = await dialMany(5, program.port, GET, '127.0.0.2');
    const many = await dialMany(1000, program.port, GET);
    await until('refusals', async () => (await refused(program, 'exporter', 'idle_connection')) >= 1000 + 5 - PLACES);
    expect(few.some(({ isClosed }) => isClosed())).toBe(false);
    hangUp([...few, ...many]);
  } finally {
    await program.kill();
  }
});

it('a server with TLS stays healthy with 600 connections that never begin TLS', keeps('idle_connections'), async () => {
  const { cert, key } = makeAuthority(bench.folder).sign('server', 'exporter');
  bench.write('tls.yaml', `tls_server_config: { cert_file: '${cert}', key_file: '${key}' }\n`);
  const program = await bench.start('exporter', ['--web.config.file=tls.yaml']);
  try {
    const secure = async (path: string) => {
      const sent = request({ port: program.port, path, rejectUnauthorized: false, agent: false }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      return { status: answer.statusCode, text: (await answer.toArray()).join('') };
    };
    const silent = await dialMany(600, program.port, '');
    for (let time = 0; time < 5; time++) expect(await secure('/-/healthy')).toMatchObject({ status: 200 });
    const gaveWay = /reason="idle_connection"\} (\d+)/.exec((await secure('/metrics')).text)?.[1];
    expect(Number(gaveWay)).toBeGreaterThanOrEqual(600 - PLACES);
    hangUp(silent);
  } finally {
    await program.kill();
  }
});

it(
  'takes spans while 512 connections send theirs without an end, and come again',
  keeps('idle_connections'),
  async () => {
    const port = await freePort();
    bench.write('traces.yaml', `${LONELY_SCORER}traces: { listen_address: '127.0.0.1:${port}' }\n`);
    const program = await bench.start('scorer', ['--config.file=traces.yaml']);
    try {
      const head = 'POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
      const endless = `${head}Content-Length: 1000\r\n\r\n{`;
      const body = '{"resourceSpans":[]}';
      let isOver = false;
      const busy = await dialMany(PLACES, port, endless);
      for (const { closed } of busy) void closed.then(async () => isOver || (await dialMany(1, port, endless)));
      await until(
        'spans to be taken',
        async () => {
          const connection = await dial(port, '127.0.0.2');
          connection.socket.write(`${head}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
          await connection.closed;
          return statusesIn(connection.received()).includes(200);
        },
        { timeoutMs: 15_000, periodMs: 100 },
      );
      isOver = true;
      // Idle is one whose request had not been read yet.
      const reasons = ['busy_connection', 'idle_connection'];
      const gaveWay = await Promise.all(reasons.map((reason) => refused(program, 'scorer', reason)));
      expect(Math.max(...gaveWay)).toBeGreaterThan(0);
      hangUp(busy);
    } finally {
      await program.kill();
    }
  },
);
