import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../../native/index.ts';
import { loseSegments } from '../sandbox/loss.ts';
import { networkCounters } from '../sandbox/network-counters.ts';
import { edgesOf, requestsOf, responsesOf, tcpOf } from '../bpf/rows.ts';
import { withSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import { until } from '../../until.ts';

let bpf: BpfObject;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-http-status-'));
  bpf = BpfObject.open(defaultObjectPath(), { constants: { track_http_status: 1 } });
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Responses {
  readonly served: number[] | undefined;
  readonly seen: number[] | undefined;
  readonly requests: number;
}

/** Sends requests between two cgroups of a sandbox and returns their counts. */
async function exchange(sandbox: Sandbox, hosts: Hosts, server: object, client: object): Promise<Responses> {
  const [serverCgroup, clientCgroup] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
  const running = await sandbox.start(serverCgroup, 'http-server.mjs', { host: hosts.listen, ...server });
  const { port } = running.ready as { port: number };
  const asked = (await sandbox.run(clientCgroup, 'http-client.mjs', { host: hosts.connect, port, ...client })) as {
    requests: number;
    connections: number;
  };
  await running.stop();
  await until('the connections to close', () => {
    const row = tcpOf(bpf, serverCgroup.id, 'server');
    return row?.closed === asked.connections || undefined;
  });
  for (const [id, other] of [
    [serverCgroup.id, 'client'],
    [clientCgroup.id, 'server'],
  ] as const) {
    expect(responsesOf(bpf, id, other)).toBeUndefined();
  }
  // The client has one edge: all responses, and those of class 5xx.
  const seen = responsesOf(bpf, clientCgroup.id, 'client');
  const [edge] = edgesOf(bpf, clientCgroup.id);
  expect(edge?.responses).toEqual([seen?.reduce((sum, count) => sum + count, 0) ?? 0, seen?.at(-1) ?? 0]);
  return {
    served: responsesOf(bpf, serverCgroup.id, 'server'),
    seen,
    requests: asked.requests,
  };
}

interface Hosts {
  readonly listen: string;
  readonly connect: string;
}
const LOCAL = { listen: '127.0.0.1', connect: '127.0.0.1' };

/** Three of ten are errors of the two classes; none is informational. */
const STATUSES = [200, 204, 301, 404, 200, 304, 503, 200, 201, 429];
const OF_TEN = [0, 5, 2, 2, 1];

describe('responses are counted by class at both ends', () => {
  test.each([
    { name: 'IPv4', ...LOCAL },
    { name: 'IPv6', listen: '::1', connect: '::1' },
    { name: 'IPv4 to an IPv6 listener', listen: '::', connect: '127.0.0.1' },
    { name: 'IPv4-mapped IPv6', listen: '::', connect: '::ffff:127.0.0.1' },
  ])('over $name', (hosts) =>
    withSandbox(async (sandbox) => {
      const client = { statuses: STATUSES, single: 20, kept: 30 };
      const { served, seen, requests } = await exchange(sandbox, hosts, {}, client);
      expect(requests).toBe(50);
      const expected = OF_TEN.map((count) => count * 5);
      expect([served, seen]).toEqual([expected, expected]);
    }),
  );

  test('with many connections at once', () =>
    withSandbox(async (sandbox) => {
      const client = { statuses: STATUSES, single: 40, kept: 60, parallel: 16 };
      const { served, seen } = await exchange(sandbox, LOCAL, {}, client);
      const expected = OF_TEN.map((count) => count * 10 * 16);
      expect([served, seen]).toEqual([expected, expected]);
    }));

  test('regardless of their bodies, and those of the requests', () =>
    withSandbox(async (sandbox) => {
      // With a period of 32 bytes, some of the hundreds of packets of a body start like a response.
      const server = { bodyBytes: 3_000_000, filler: 'HTTP/1.1 500 '.padEnd(32) };
      const client = { statuses: [200, 404], single: 4, kept: 4, bodyBytes: 1_000_000 };
      const { served, seen } = await exchange(sandbox, LOCAL, server, client);
      expect([served, seen]).toEqual([
        [0, 4, 0, 4, 0],
        [0, 4, 0, 4, 0],
      ]);
    }));

  test('once, even if their segments are retransmitted', () =>
    withSandbox(async (sandbox) => {
      loseSegments(sandbox, folder);
      const client = { statuses: STATUSES, single: 10, kept: 20, parallel: 8 };
      const { served, seen } = await exchange(sandbox, LOCAL, { bodyBytes: 20_000 }, client);
      expect(networkCounters(sandbox)['Tcp.RetransSegs']).toBeGreaterThan(50);
      const expected = OF_TEN.map((count) => count * 3 * 8);
      expect([served, seen]).toEqual([expected, expected]);
    }));
});

const say = (texts: readonly (string | readonly string[])[], count: number, more: object = {}) =>
  withSandbox(async (sandbox) => {
    const { cgroup } = sandbox;
    await sandbox.run(cgroup, 'spoken.mjs', { host: '127.0.0.1', texts, count, ...more });
    await until('the connection to close', () => tcpOf(bpf, cgroup.id, 'server')?.closed || undefined);
    const [served, seen] = [responsesOf(bpf, cgroup.id, 'server'), responsesOf(bpf, cgroup.id, 'client')];
    // Both ends have the same count.
    expect(seen).toEqual(served);
    return { responses: served, requests: requestsOf(bpf, cgroup.id, 'client')?.count };
  });

describe('a response is counted', () => {
  test.each([
    { name: 'of HTTP/1.0 and 1.1', texts: ['HTTP/1.0 200 OK', 'HTTP/1.1 500 No'], counted: [0, 3, 0, 0, 3] },
    {
      name: 'after an informational one, which is counted as well',
      texts: [['HTTP/1.1 103 Early\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n']],
      counted: [6, 6, 0, 0, 0],
    },
    {
      name: 'after an informational one in the same call',
      texts: ['HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
      counted: [6, 6, 0, 0, 0],
    },
    {
      name: 'once, without further messages of the server',
      texts: [['HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1 404 in a body']],
      counted: [0, 6, 0, 0, 0],
    },
  ])('$name', async ({ texts, counted }) => {
    expect(await say(texts, 6)).toEqual({ responses: counted, requests: 6 });
  });

  test.each([
    ['another protocol', '+OK 200'],
    ['another version', 'HTTP/2.0 200 OK'],
    ['no status', 'HTTP/1.1 abc OK'],
    ['an invalid status', 'HTTP/1.1 600 OK'],
    ['no blank', 'HTTP/1.1-200 OK'],
    ['a truncated status line', 'HTTP/1.1 20'],
    ['a request', 'GET / HTTP/1.1 200 OK'],
  ])('but not %s', async (_, text) => {
    expect(await say([text], 3)).toEqual({ responses: undefined, requests: 3 });
  });

  test('but not messages of a client', async () => {
    expect((await say(['no'], 3, { question: 'HTTP/1.1 200 OK' })).responses).toBeUndefined();
  });

  test('and so is an unsolicited one before the server closes', async () => {
    const { responses } = await say(['no'], 1, { greeting: 'HTTP/1.1 408 Request Timeout\r\n\r\n' });
    expect(responses).toEqual([0, 0, 0, 1, 0]);
  });
});

test('HTTP within TLS is counted nowhere', () =>
  withSandbox(async (sandbox) => {
    const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', ...kind, ...files, '-subj', '/CN=test', '-days', '2'], { stdio: 'ignore' });
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(folder, name), 'utf8'));
    const tls = { rejectUnauthorized: false };
    const { served, seen, requests } = await exchange(
      sandbox,
      LOCAL,
      { tls: { key, cert } },
      { tls, single: 3, kept: 5 },
    );
    expect(requests).toBe(8);
    expect([served, seen]).toEqual([undefined, undefined]);
  }));
