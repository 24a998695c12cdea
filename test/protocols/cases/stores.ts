import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Case, Truth } from '../case.ts';
import type { Stage } from '../lab.ts';
import { MARIADB, MARIADBD, MEMCACHED, pathOf, POSTGRES, PSQL, REDIS } from '../tools.ts';
import { ask, PORT } from './programs.ts';

const WORK_MS = 100;

async function serveRedis({ server }: Stage): Promise<void> {
  const options = ['--bind', server.address, '--port', String(PORT), '--save', '', '--protected-mode', 'no'];
  await server.serve([pathOf(REDIS), ...options], PORT);
}

const SET = '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n';
const GET = '*2\r\n$3\r\nGET\r\n$1\r\nk\r\n';

function redisCase(name: string, steps: readonly object[], times: number, more: Partial<Case> = {}): Case {
  return {
    name,
    protocol: 'Redis',
    needs: [REDIS],
    expected: 'exact',
    async serve(stage) {
      await serveRedis(stage);
    },
    ask(stage) {
      return ask(stage, 'dialogue.mjs', { times, steps });
    },
    ...more,
  };
}

/** psql and mariadb print the time of each statement on their own clock. */
const timesIn = (output: string, pattern: RegExp): readonly number[] =>
  [...output.matchAll(pattern)].map(([, time]) => Number(time));

async function servePostgres({ server }: Stage): Promise<void> {
  const data = join(server.folder, 'data');
  mkdirSync(data);
  execFileSync('chown', ['-R', 'postgres:', server.folder]);
  const asUser = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--'];
  const initdb = join(dirname(pathOf(POSTGRES)), 'initdb');
  execFileSync('setpriv', [...asUser.slice(1), initdb, '--auth=trust', '--no-sync', '-D', data], {
    cwd: server.folder,
    stdio: 'ignore',
  });
  const sockets = ['-c', `unix_socket_directories=${server.folder}`];
  const options = ['-D', data, '-h', server.address, '-p', String(PORT), '-c', 'fsync=off', ...sockets];
  const hba = ['sh', '-c', `echo 'host all all 0.0.0.0/0 trust' >> ${join(data, 'pg_hba.conf')}`];
  execFileSync(hba[0] ?? '', hba.slice(1));
  await server.serve([...asUser, pathOf(POSTGRES), ...options], PORT);
}

async function askPostgres({ server, client }: Stage): Promise<Truth> {
  const statements = Array.from({ length: 5 }, () => `select pg_sleep(${WORK_MS / 1000});\n\\! sleep 0.3\n`);
  const url = `postgresql://postgres@${server.address}:${PORT}/postgres?sslmode=disable`;
  const output = await client.run([pathOf(PSQL), '-X', '-q', url], `\\timing on\n${statements.join('')}`);
  const durationsMs = timesIn(output, /^Time: ([\d.]+) ms/gm);
  // The start of a session is a round trip.
  return { requests: durationsMs.length, durationsMs, connections: 1, handshakes: 1 };
}

async function serveMariadb({ server }: Stage): Promise<void> {
  const data = join(server.folder, 'data');
  const base = ['--no-defaults', `--datadir=${data}`, '--user=root'];
  execFileSync('mariadb-install-db', [...base, '--auth-root-authentication-method=normal'], { stdio: 'ignore' });
  const sockets = [`--socket=${join(server.folder, 'mariadb.sock')}`, `--pid-file=${join(server.folder, 'pid')}`];
  const address = [`--bind-address=${server.address}`, `--port=${PORT}`, '--skip-grant-tables', '--skip-name-resolve'];
  await server.serve([pathOf(MARIADBD), ...base, ...sockets, ...address], PORT);
}

async function askMariadb({ server, client }: Stage): Promise<Truth> {
  const statements = Array.from({ length: 5 }, () => `select sleep(${WORK_MS / 1000});\nsystem sleep 0.3\n`);
  const target = ['--protocol=tcp', `--host=${server.address}`, `--port=${PORT}`, '--user=root', '--skip-ssl'];
  const output = await client.run([pathOf(MARIADB), '--no-defaults', ...target, '-v', '-v', '-v'], statements.join(''));
  const durationsMs = timesIn(output, /in set \(([\d.]+) sec\)/g).map((seconds) => seconds * 1000);
  // The login is a round trip.
  return { requests: durationsMs.length, durationsMs, connections: 1, handshakes: 1 };
}

export const STORES: readonly Case[] = [
  redisCase(
    '20 commands on one connection',
    [
      { send: SET, until: '\\+OK\r\n' },
      { send: GET, until: 'value\r\n' },
    ],
    10,
  ),
  redisCase('4 commands, 0.5 s apart', [{ send: SET, until: '\\+OK\r\n', idleMs: 500 }], 4),
  redisCase(
    '5 batches of 10 pipelined commands, as round trips',
    [{ send: SET.repeat(10), until: '(\\+OK\r\n){10}' }],
    5,
  ),
  redisCase(
    'a blocking command of 2 s',
    [{ send: '*3\r\n$5\r\nBLPOP\r\n$4\r\nnone\r\n$1\r\n2\r\n', until: '\\*-1\r\n' }],
    1,
    // What it waits for may be a message.
    { workMs: 2000, expected: 'exact or absent' },
  ),
  {
    name: '20 commands on one connection',
    protocol: 'memcached',
    needs: [MEMCACHED],
    expected: 'exact',
    async serve(stage) {
      const { server } = stage;
      await server.serve([pathOf(MEMCACHED), '-u', 'root', '-l', server.address, '-p', String(PORT), '-U', '0'], PORT);
    },
    ask(stage) {
      const steps = [
        { send: 'set k 0 0 5\r\nvalue\r\n', until: 'STORED\r\n' },
        { send: 'get k\r\n', until: 'END\r\n' },
      ];
      return ask(stage, 'dialogue.mjs', { times: 10, steps });
    },
  },
  {
    name: '5 statements of 100 ms, 0.3 s apart, psql',
    protocol: 'PostgreSQL',
    needs: [POSTGRES, PSQL],
    expected: 'exact',
    workMs: WORK_MS,
    serve: servePostgres,
    ask: askPostgres,
  },
  {
    name: '5 statements of 100 ms, 0.3 s apart, mariadb',
    protocol: 'MySQL',
    needs: [MARIADBD, MARIADB],
    expected: 'exact',
    workMs: WORK_MS,
    serve: serveMariadb,
    ask: askMariadb,
  },
];
