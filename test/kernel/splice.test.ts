import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { until } from '../until.ts';
import { compileTraffic } from './bpf/compile.ts';
import { edgesOf, requestsOf, tcpOf, unseenRequestsOf, type Role } from './bpf/rows.ts';
import { kernelIsAtLeast } from './kernel-version.ts';
import { withSandbox } from './sandbox/sandbox.ts';

/** Attached by the exporter once requests were missed. */
const READS = 'tcp_rcv_space_adjust';
const LAST_READS = 'tcp_destroy_sock';
const ON_DEMAND: readonly string[] = [READS, LAST_READS];

let folder: string;
let program: string;
let bpf: BpfObject;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-splice-'));
  program = compileTraffic('splice-proxy.c', folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  bpf = BpfObject.open(defaultObjectPath());
  for (const name of bpf.programs) if (!ON_DEMAND.includes(name)) bpf.attach(name);
});
afterEach(() => bpf.close());

interface Moved {
  readonly sent: number;
  readonly received: number;
}

const REQUESTS = 25;
const CONNECTIONS = 21;

/** Requests through the proxy in several rounds, and the rows of the proxy at the end. */
function throughProxy(options: object, rounds: number, beforeRound: (round: number) => void) {
  return withSandbox(async (sandbox) => {
    const [backend, proxy, client] = [
      sandbox.childCgroup('backend'),
      sandbox.childCgroup('proxy'),
      sandbox.childCgroup('client'),
    ];
    const web = await sandbox.start(backend, 'http-server.mjs', { host: '127.0.0.1', bodyBytes: 3000 });
    const splicing = await sandbox.start(proxy, program, { backend: (web.ready as { port: number }).port, ...options });
    const { port } = splicing.ready as { port: number };
    const total = { sent: 0, received: 0 };
    for (let round = 0; round < rounds; round++) {
      beforeRound(round);
      const questions = { host: '127.0.0.1', port, single: CONNECTIONS - 1, kept: REQUESTS - CONNECTIONS + 1 };
      const moved = (await sandbox.run(client, 'http-client.mjs', questions)) as Moved;
      total.sent += moved.sent;
      total.received += moved.received;
    }
    const closed = (role: Role) =>
      until(`the proxy's connections as ${role}`, () => {
        const row = tcpOf(bpf, proxy.id, role);
        return row?.closed === rounds * CONNECTIONS ? row : undefined;
      });
    const [server, asClient] = [await closed('server'), await closed('client')];
    await splicing.stop();
    await web.stop();
    const [edge] = edgesOf(bpf, proxy.id);
    expect(server.receivedBytes + server.unseenBytes).toBe(total.sent);
    expect(server.sentBytes).toBe(total.received);
    expect(asClient.receivedBytes + asClient.unseenBytes).toBe(total.received);
    expect(asClient.sentBytes).toBe(total.sent);
    expect(edge).toMatchObject({ sentBytes: total.sent, unanswered: 0 });
    expect((edge?.receivedBytes ?? 0) + (edge?.unseenBytes ?? 0)).toBe(total.received);
    return {
      edge: edge?.requests.count,
      client: requestsOf(bpf, proxy.id, 'client')?.count ?? 0,
      server: requestsOf(bpf, proxy.id, 'server')?.count ?? 0,
      unseen: unseenRequestsOf(bpf),
    };
  });
}

/** Before, splice() to a socket has no event. */
const HAS_EVENTS = kernelIsAtLeast(6, 5);

describe.skipIf(!HAS_EVENTS).each([
  { name: 'in both directions', options: {}, seen: 0 },
  { name: 'responses only', options: { receive: true }, seen: REQUESTS },
])('a proxy that splices $name', ({ options, seen }) => {
  test('has all bytes, and its requests are counted as unseen', async () => {
    const counts = await throughProxy(options, 1, () => undefined);
    expect(counts).toEqual({ edge: 0, client: 0, server: seen, unseen: 2 * REQUESTS - seen });
  });

  test('has all requests once the program that sees its reads is attached', async () => {
    const counts = await throughProxy(options, 3, (round) => {
      if (round === 1) for (const name of ON_DEMAND) bpf.attach(name);
    });
    expect(counts).toEqual({
      edge: 2 * REQUESTS,
      client: 2 * REQUESTS,
      server: 2 * REQUESTS + seen,
      unseen: 2 * REQUESTS - seen,
    });
  });
});

test.skipIf(!HAS_EVENTS)('responses spliced after both ends have closed the connection are counted', () =>
  withSandbox(async (sandbox) => {
    bpf.attach(LAST_READS);
    const [backend, proxy] = [sandbox.childCgroup('backend'), sandbox.childCgroup('proxy')];
    const server = await sandbox.start(backend, 'closing/late-reader.mjs', { listen: '127.0.0.1' });
    const splicing = await sandbox.start(proxy, program, { backend: (server.ready as { port: number }).port });
    const { port } = splicing.ready as { port: number };
    const connections = 5;
    for (let i = 0; i < connections; i++) {
      expect(await sandbox.run(sandbox.cgroup, 'closing/late-reader.mjs', { host: '127.0.0.1', port })).toEqual({
        received: 8,
      });
    }
    await splicing.stop();
    await server.stop();
    expect(unseenRequestsOf(bpf)).toBe(2 * connections);
    expect(tcpOf(bpf, proxy.id, 'server')).toMatchObject({ sentBytes: 40, unseenBytes: 35 });
    expect(tcpOf(bpf, proxy.id, 'client')).toMatchObject({ sentBytes: 35, unseenBytes: 40 });
    expect(edgesOf(bpf, proxy.id)).toMatchObject([{ unanswered: 0, unseenBytes: 40 }]);
  }),
);
