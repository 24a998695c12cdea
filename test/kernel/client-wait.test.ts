import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { clientWaitOf, edgesOf, requestsOf } from './bpf/rows.ts';
import { withSandbox } from './sandbox/sandbox.ts';

/** Time within a request during which the client has not sent all of it (bpf/protocols/client_wait.bpf.h). */

let bpf: BpfObject;

beforeAll(async () => {
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
  // A tick of the kernel has a length once a second has passed since the first wait.
  await exchange([GET, OK, client('GET / HTTP/1.1\r\n'), client('\r\n', { afterMs: 10 }), OK]);
  await sleep(1000);
});
afterAll(() => bpf?.close());

interface Line {
  readonly by: 'client' | 'server';
  readonly text: string;
  readonly bytes?: number;
  readonly afterMs?: number;
  readonly takenAfterMs?: number;
}

const client = (text: string, options: Partial<Line> = {}): Line => ({ by: 'client', text, ...options });
const server = (text: string, options: Partial<Line> = {}): Line => ({ by: 'server', text, ...options });

const GET = client('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
const OK = server('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n';
const PAUSE_MS = 300;
const WORK_MS = 100;
const LARGE = { bytes: 8_000_000 };
const PING = '*1\r\n$4\r\nPING\r\n';

/** Milliseconds of the wait and of all durations, at server, client and edge. */
async function exchange(lines: readonly Line[]) {
  return await withSandbox(async (sandbox) => {
    const traffic = await sandbox.start(sandbox.cgroup, 'dialogue.mjs', { lines });
    await traffic.stop();
    const { id } = sandbox.cgroup;
    const [edge] = edgesOf(bpf, id);
    const waits = [clientWaitOf(bpf, id, 'server'), clientWaitOf(bpf, id, 'client'), edge?.clientWaitNs ?? NaN];
    const durations = [requestsOf(bpf, id, 'server'), requestsOf(bpf, id, 'client'), edge?.requests];
    return {
      requests: durations.map((histogram) => histogram?.count),
      waitMs: waits.map((wait) => wait / 1e6),
      restMs: waits.map((wait, end) => ((durations[end]?.sumNs ?? NaN) - wait) / 1e6),
    };
  });
}

// The first exchange is of a connection whose protocol is not known yet.
const BEFORE = [GET, OK, GET, OK];

test.each<[string, readonly Line[]]>([
  ['its headers', [client('GET / HTTP/1.1\r\n'), client('Host: a\r\n\r\n', { afterMs: PAUSE_MS })]],
  [
    'a byte after the other',
    [client('GET / HTTP/1.1\r\n'), ...Array.from({ length: 6 }, () => client('x', { afterMs: PAUSE_MS / 6 }))],
  ],
  ['its body', [client(HEAD), client('x', { afterMs: PAUSE_MS }), client('x', LARGE)]],
])('a client that is slow with %s is waited for, and the server is not', async (_what, request) => {
  const { requests, waitMs, restMs } = await exchange([...BEFORE, ...request, { ...OK, afterMs: WORK_MS }]);
  expect(requests).toEqual([3, 3, 3]);
  for (const wait of waitMs) expect(wait).toBeGreaterThan(PAUSE_MS * 0.9);
  for (const rest of restMs) expect(rest).toBeGreaterThan(WORK_MS * 0.9);
});

test.each<[string, readonly Line[]]>([
  ['works', [client(HEAD), client('x'), { ...OK, afterMs: PAUSE_MS }]],
  ['takes a body late', [client(HEAD), client('x', { takenAfterMs: PAUSE_MS }), OK]],
  ['takes a large body late', [client(HEAD), client('x', { ...LARGE, takenAfterMs: PAUSE_MS }), OK]],
  ['takes a large request late', [client(HEAD, { ...LARGE, takenAfterMs: PAUSE_MS }), OK]],
  [
    'asks for the body late',
    [client(HEAD), server('HTTP/1.1 100 Continue\r\n\r\n', { afterMs: PAUSE_MS }), client('x'), OK],
  ],
])('a server that %s is not taken for a slow client', async (_what, lines) => {
  const { requests, restMs } = await exchange([...BEFORE, ...lines]);
  expect(requests).toEqual([3, 3, 3]);
  for (const rest of restMs) expect(rest).toBeGreaterThan(PAUSE_MS * 0.8);
});

test('a client that asks again before the response waits for it, where its bytes may be the next request', async () => {
  const { waitMs } = await exchange([
    client(PING),
    server('+PONG\r\n'),
    client(PING),
    client(PING, { afterMs: PAUSE_MS }),
    server('+PONG\r\n+PONG\r\n'),
  ]);
  expect(waitMs).toEqual([0, 0, 0]);
});
