import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningProgram } from '../../running-program.ts';
import { until } from '../../until.ts';
import { Bench, LONELY_SCORER } from '../bench.ts';
import { keeps, record } from '../table/keeps.ts';
import { type Connection, dial, dialMany, hangUp, statusesIn } from './connection.ts';

const bench = new Bench();
// Each comparison takes as long as in production.
bench.write('web.yaml', `basic_auth_users: { prometheus: ${hashSync('secret', 10)} }\n`);
bench.write('limited.yaml', `rate_limit: { interval: 1h, burst: 3 }\n`);
bench.write('scorer.yaml', LONELY_SCORER);
afterAll(() => bench.remove());

const request = (password?: string) => {
  const authorization =
    password === undefined
      ? ''
      : `Authorization: Basic ${Buffer.from(`prometheus:${password}`).toString('base64')}\r\n`;
  return `GET /-/healthy HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`;
};

/** The status of a request on a connection of its own. */
async function statusOf({ port }: RunningProgram, from: string, text: string): Promise<number | undefined> {
  const connection = await dial(port, from);
  connection.socket.write(text);
  await until('an answer', () => connection.isClosed() || statusesIn(connection.received()).length > 0);
  connection.socket.destroy();
  return statusesIn(connection.received())[0];
}

describe.each(['exporter', 'scorer'] as const)('lorikeet-%s', keeps('passwords'), (name) => {
  let program: RunningProgram;
  beforeAll(async () => {
    program = await bench.start(name, ['--web.config.file=web.yaml']);
  });

  it('accepts a new right password while 48 connections of another client guess without a pause', async () => {
    let guesses = 0;
    const guess = ({ socket }: Connection) => void socket.write(request(`guess ${guesses++}`));
    const guessing = await dialMany(48, program.port, '');
    for (const connection of guessing) {
      connection.socket.on('data', () => guess(connection));
      guess(connection);
    }
    await until('refusals', () => guesses > 100);
    const askedMs = performance.now();
    expect(await statusOf(program, '127.0.0.2', request('secret'))).toBe(200);
    record({ accepted_ms: performance.now() - askedMs });
    hangUp(guessing);
    const headers = { authorization: `Basic ${Buffer.from('prometheus:secret').toString('base64')}` };
    expect(await program.value(`lorikeet_${name}_web_refusals_total{reason="passwords"}`, headers)).toBeGreaterThan(0);
  });
});

it('a client that exceeds the rate limit leaves others theirs', keeps('passwords'), async () => {
  const program = await bench.start('exporter', ['--web.config.file=limited.yaml']);
  try {
    const statuses: (number | undefined)[] = [];
    for (let time = 0; time < 20; time++) statuses.push(await statusOf(program, '127.0.0.1', request()));
    expect(statuses).toEqual([...Array<number>(3).fill(200), ...Array<number>(17).fill(429)]);
    expect(await statusOf(program, '127.0.0.2', request())).toBe(200);
  } finally {
    await program.kill();
  }
});
