import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case, Truth } from '../case.ts';
import { program, type Stage } from '../lab.ts';
import { GO, HAPROXY, MPTCP, pathOf } from '../tools.ts';
import { ask, PORT, serve } from './programs.ts';

const WORK_MS = 50;

/** A server and a client of programs/tcp.py. */
function pair(name: string, server: object, client: object, more: Partial<Case> = {}): Case {
  return {
    name,
    protocol: 'unknown',
    always: true,
    expected: 'exact',
    async serve(stage) {
      await serve(stage.server, 'tcp.py', { mode: 'answer', ...server });
    },
    ask(stage) {
      return ask(stage, 'tcp.py', { mode: 'ask', requests: 10, ...client });
    },
    ...more,
  };
}

/** A proxy as the stage's server; both of its roles are compared, as each request passes through both. */
function proxyCase(name: string, start: (stage: Stage) => Promise<void>, more: Partial<Case> = {}): Case {
  return {
    name,
    protocol: 'unknown',
    expected: 'exact',
    workMs: WORK_MS,
    measuredClient: 'server',
    known: 'bytes that are spliced are not seen, and not counted as such',
    async serve(stage) {
      await serve(stage.backend, 'tcp.py', { mode: 'answer', workMs: WORK_MS });
      await start(stage);
    },
    ask(stage) {
      return ask(stage, 'tcp.py', { mode: 'ask', requests: 10, kept: true });
    },
    ...more,
  };
}

async function goProxy({ server, backend }: Stage): Promise<void> {
  const binary = join(server.folder, 'splice-proxy');
  const env = { ...process.env, GOFLAGS: '', GOWORK: 'off', CGO_ENABLED: '0' };
  execFileSync(pathOf(GO), ['build', '-o', binary, program('splice-proxy.go')], { env, cwd: server.folder });
  await server.serve([binary, `${server.address}:${PORT}`, `${backend.address}:${PORT}`], PORT);
}

async function haproxy({ server, backend }: Stage, mode: 'tcp' | 'http'): Promise<void> {
  const file = join(server.folder, 'haproxy.cfg');
  const splice = mode === 'tcp' ? '  option splice-auto\n  option splice-request\n  option splice-response\n' : '';
  writeFileSync(
    file,
    `global\n  maxconn 100\ndefaults\n  mode ${mode}\n  timeout client 30s\n  timeout server 30s\n  timeout connect 5s\n` +
      `listen lab\n  bind ${server.address}:${PORT}\n${splice}  server backend ${backend.address}:${PORT}\n`,
  );
  await server.serve([pathOf(HAPROXY), '-db', '-f', file], PORT);
}

/** Shared by both ends. */
const closeAtOnce = ({ server }: Stage): string => join(server.folder, 'close-at-once');

async function serveOnce(stage: Stage): Promise<void> {
  const binary = closeAtOnce(stage);
  execFileSync('gcc', ['-Wall', '-Werror', '-O2', program('close-at-once.c'), '-o', binary]);
  await stage.server.serve([binary, 'serve', stage.server.address, String(PORT)], PORT);
}

async function askOnce(stage: Stage): Promise<Truth> {
  const target = [stage.server.address, String(PORT)];
  return JSON.parse(await stage.backend.run([closeAtOnce(stage), 'ask', ...target, '9000'])) as Truth;
}

export const TCP: readonly Case[] = [
  pair('a new connection for each request', { workMs: WORK_MS }, {}, { workMs: WORK_MS }),
  pair(
    'kept open, 0.5 s idle between requests',
    { workMs: WORK_MS },
    { requests: 4, kept: true, idleMs: 500 },
    {
      workMs: WORK_MS,
    },
  ),
  pair('TCP Fast Open', { fastOpen: true }, { fastOpen: true }),
  pair('20 one-way senders: connect, send, close', { mode: 'sink' }, { mode: 'tell', requests: 20 }),
  pair(
    '20 one-way senders: connect, send, close 50 ms later',
    { mode: 'sink' },
    { mode: 'tell', requests: 20, lingerMs: 50 },
  ),
  pair(
    'MPTCP on both ends',
    { mptcp: true },
    { mptcp: true, requests: 20, kept: true },
    {
      protocol: 'MPTCP',
      needs: [MPTCP],
      expected: 'exact or absent',
      known: 'an MPTCP connection is not seen, and not counted as such',
    },
  ),
  {
    name: 'the answer and the end at once on one CPU',
    protocol: 'unknown',
    always: true,
    expected: 'exact',
    measuredClient: 'backend',
    known: 'some answers are lost in the role of the client',
    serve: serveOnce,
    ask: askOnce,
  },
  {
    name: '3 messages, the server speaks first',
    protocol: 'SMTP',
    always: true,
    expected: 'exact',
    async serve(stage) {
      await serve(stage.server, 'smtp-server.py', { workMs: WORK_MS });
    },
    ask(stage) {
      return ask(stage, 'smtp-client.py', { messages: 3 });
    },
  },
  proxyCase(
    'a proxy that splices, Python',
    ({ server, backend }) =>
      serve(server, 'tcp.py', { mode: 'splice', upstream: { host: backend.address, port: PORT } }),
    { always: true },
  ),
  proxyCase('a proxy that splices, Go', goProxy, { needs: [GO] }),
  proxyCase('haproxy with option splice-auto', (stage) => haproxy(stage, 'tcp'), { needs: [HAPROXY] }),
  {
    name: 'haproxy in front of a slow server',
    protocol: 'HTTP/1.1',
    needs: [HAPROXY],
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.backend, 'web-server.mjs', { kind: 'http', workMs: WORK_MS });
      await haproxy(stage, 'http');
    },
    ask(stage) {
      return ask(stage, 'web-client.mjs', { requests: 8, kept: true });
    },
  },
];
