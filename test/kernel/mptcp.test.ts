import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { until } from '../until.ts';
import { compileTraffic } from './bpf/compile.ts';
import { edgesOf, listenersOf, requestsOf, responsesOf, tcpOf, type Role } from './bpf/rows.ts';
import { kernelIsAtLeast } from './kernel-version.ts';
import { withSandbox } from './sandbox/sandbox.ts';

let folder: string;
let program: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-mptcp-'));
  program = compileTraffic('mptcp.c', folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const QUESTIONS = 10;
const ADDRESSES = { '127.0.0.1': '00000000000000000000ffff7f000001', '::1': '00000000000000000000000000000001' };

const PAIRS = [
  { client: 'mptcp', server: 'mptcp' },
  { client: 'mptcp', server: 'tcp' },
  { client: 'tcp', server: 'mptcp' },
] as const;

function open(constants: Record<string, number> = {}): BpfObject {
  const bpf = BpfObject.open(defaultObjectPath(), { constants });
  for (const name of bpf.programs) bpf.attach(name);
  return bpf;
}

/** The state changes of an MPTCP connection that closes may come from a kernel thread. */
function closed(bpf: BpfObject, cgroup: bigint, role: Role) {
  return until(`the ${role}'s connection to close`, () => {
    const row = tcpOf(bpf, cgroup, role);
    return row !== undefined && row.closed >= row.opened + row.adopted ? row : undefined;
  });
}

/** Before, the send and receive calls of MPTCP sockets have no event. */
const HAS_EVENTS = kernelIsAtLeast(6, 3);

describe.skipIf(!HAS_EVENTS).each(PAIRS)('$client to $server', (pair) => {
  test.each(['127.0.0.1', '::1'] as const)('over %s is one connection with its requests and bytes', async (host) => {
    const bpf = open();
    try {
      await withSandbox(async (sandbox) => {
        const { cgroup } = sandbox;
        const running = await sandbox.start(cgroup, program, { ...pair, host });
        const { port } = running.ready as { port: number };
        expect(listenersOf(bpf, cgroup.id)).toMatchObject([{ port, limit: 8 }]);
        expect(await running.stop()).toEqual({ refused: true });

        const client = await closed(bpf, cgroup.id, 'client');
        const server = await closed(bpf, cgroup.id, 'server');
        expect(client).toMatchObject({ opened: 1, closed: 1, sentBytes: 1000, receivedBytes: 500, adopted: 0 });
        expect(server).toMatchObject({ opened: 1, closed: 1, sentBytes: 500, receivedBytes: 1000, adopted: 0 });
        expect(client.connectFailures).toEqual([1, 0, 0, 0, 0]);
        expect(client.connect.count).toBe(1);
        expect(client.lifetime.count).toBe(1);
        expect(client.roundTrip.count).toBeGreaterThan(0);
        expect(server.roundTrip.count).toBeGreaterThan(0);
        expect(requestsOf(bpf, cgroup.id, 'client')?.count).toBe(QUESTIONS);
        expect(requestsOf(bpf, cgroup.id, 'server')?.count).toBe(QUESTIONS);
        const address = ADDRESSES[host];
        expect(edgesOf(bpf, cgroup.id)).toMatchObject([
          { address, port, sentBytes: 1000, receivedBytes: 500, unanswered: 0, connectFailures: 1 },
        ]);
        expect(edgesOf(bpf, cgroup.id)[0]?.requests.count).toBe(QUESTIONS);
        expect(listenersOf(bpf, cgroup.id)).toEqual([]);
      });
    } finally {
      bpf.close();
    }
  });

  test('counts the responses of the chosen port', async () => {
    const bpf = open({ track_http_status: 1, http_status_of_ports: 1 });
    try {
      await withSandbox(async (sandbox) => {
        const { cgroup } = sandbox;
        const running = await sandbox.start(cgroup, program, { ...pair, http: true, host: '127.0.0.1' });
        const { port } = running.ready as { port: number };
        bpf.map('http_status_ports').update(new Uint8Array(Uint16Array.of(port).buffer), Uint8Array.of(1));
        await running.stop();
        await closed(bpf, cgroup.id, 'client');
        await closed(bpf, cgroup.id, 'server');
        expect(responsesOf(bpf, cgroup.id, 'client')).toEqual([0, 0, 0, 0, QUESTIONS]);
        expect(responsesOf(bpf, cgroup.id, 'server')).toEqual([0, 0, 0, 0, QUESTIONS]);
      });
    } finally {
      bpf.close();
    }
  });

  test('older than the programs is adopted with its role', async () => {
    await withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      const running = await sandbox.start(cgroup, program, { ...pair, host: '127.0.0.1' });
      const { port } = running.ready as { port: number };
      const bpf = open();
      try {
        await bpf.readIterator('adopt_sockets');
        await running.stop();
        const client = await closed(bpf, cgroup.id, 'client');
        const server = await closed(bpf, cgroup.id, 'server');
        expect(client).toMatchObject({ adopted: 1, opened: 0, closed: 1, sentBytes: 1000, receivedBytes: 500 });
        expect(server).toMatchObject({ adopted: 1, opened: 0, closed: 1, sentBytes: 500, receivedBytes: 1000 });
        expect(requestsOf(bpf, cgroup.id, 'client')?.count).toBe(QUESTIONS);
        expect(requestsOf(bpf, cgroup.id, 'server')?.count).toBe(QUESTIONS);
        expect(edgesOf(bpf, cgroup.id)).toMatchObject([{ port, requests: { count: QUESTIONS } }]);
      } finally {
        bpf.close();
      }
    });
  });
});

test.skipIf(!HAS_EVENTS)('a second subflow is not a connection', async () => {
  const bpf = open();
  try {
    await withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      sandbox.configure('ip', 'mptcp', 'limits', 'set', 'subflow', '2', 'add_addr_accepted', '2');
      sandbox.configure('ip', 'mptcp', 'endpoint', 'add', '127.0.0.2', 'dev', 'lo', 'subflow');
      const running = await sandbox.start(cgroup, program, { client: 'mptcp', server: 'mptcp', host: '127.0.0.1' });
      await running.stop();
      expect(sandbox.configure('nstat', '-asz', 'MPTcpExtMPJoinAckRx')).toMatch(/MPJoinAckRx +1 /);
      const client = await closed(bpf, cgroup.id, 'client');
      const server = await closed(bpf, cgroup.id, 'server');
      expect(client).toMatchObject({ opened: 1, closed: 1, sentBytes: 1000, receivedBytes: 500 });
      expect(server).toMatchObject({ opened: 1, closed: 1, sentBytes: 500, receivedBytes: 1000 });
      expect(client.connectFailures).toEqual([1, 0, 0, 0, 0]);
      expect(requestsOf(bpf, cgroup.id, 'client')?.count).toBe(QUESTIONS);
    });
  } finally {
    bpf.close();
  }
});
