import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../until.ts';
import { type Connection, dial, dialMany, hangUp, statusesIn } from './connection.ts';
import { LONELY_SCORER, run, type Running } from './running.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-hostile-passwords-'));
// Each comparison takes as long as in production.
writeFileSync(join(folder, 'web.yaml'), `basic_auth_users: { prometheus: ${hashSync('secret', 10)} }\n`);
writeFileSync(join(folder, 'limited.yaml'), `rate_limit: { interval: 1h, burst: 3 }\n`);
writeFileSync(join(folder, 'scorer.yaml'), LONELY_SCORER);
afterAll(() => rmSync(folder, { recursive: true }));

const request = (password?: string) => {
  const authorization =
    password === undefined
      ? ''
      : `Authorization: Basic ${Buffer.from(`prometheus:${password}`).toString('base64')}\r\n`;
  return `GET /-/healthy HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`;
};

/** The status of a request on a connection of its own. */
async function statusOf({ port }: Running, from: string, text: string): Promise<number | undefined> {
  const connection = await dial(port, from);
  connection.socket.write(text);
  await until('an answer', () => connection.isClosed() || statusesIn(connection.received()).length > 0);
  connection.socket.destroy();
  return statusesIn(connection.received())[0];
}

describe.each(['exporter', 'scorer'] as const)('lorikeet-%s', (name) => {
  let program: Running;
  beforeAll(async () => {
    program = await run(name, { cwd: folder, args: ['--web.config.file=web.yaml'] });
  });
  afterAll(() => program?.kill());

  it('accepts a new right password while 48 connections of another client guess without a pause', async () => {
    let guesses = 0;
    const guess = ({ socket }: Connection) => void socket.write(request(`guess ${guesses++}`));
    const guessing = await dialMany(48, program.port, '');
    for (const connection of guessing) {
      connection.socket.on('data', () => guess(connection));
      guess(connection);
    }
    await until('refusals', () => guesses > 100);
    expect(await statusOf(program, '127.0.0.2', request('secret'))).toBe(200);
    hangUp(guessing);
    const headers = { authorization: `Basic ${Buffer.from('prometheus:secret').toString('base64')}` };
    expect(await program.value(`lorikeet_${name}_web_refusals_total{reason="passwords"}`, headers)).toBeGreaterThan(0);
  });
});

it('a client that exceeds the rate limit leaves others theirs', async () => {
  const program = await run('exporter', { cwd: folder, args: ['--web.config.file=limited.yaml'] });
  try {
    const statuses: (number | undefined)[] = [];
    for (let time = 0; time < 20; time++) statuses.push(await statusOf(program, '127.0.0.1', request()));
    expect(statuses).toEqual([...Array<number>(3).fill(200), ...Array<number>(17).fill(429)]);
    expect(await statusOf(program, '127.0.0.2', request())).toBe(200);
  } finally {
    await program.kill();
  }
});
