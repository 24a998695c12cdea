import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { edgesOf, isCounted, lostOf, requestsOf, tcpOf } from './bpf/rows.ts';
import { withSandbox } from './sandbox/sandbox.ts';
import { until } from '../until.ts';
import type { Sandbox } from './sandbox/sandbox.ts';

let bpf: BpfObject;

beforeAll(() => {
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => bpf?.close());

/** A subnet without hosts: packets to 10.7.0.2 are dropped, and ARP requests for 10.7.0.3 get no reply. */
function addSilentNetwork(sandbox: Sandbox): void {
  const configure = (...command: string[]) => sandbox.configure(...command);
  configure('ip', 'link', 'add', 'silent', 'type', 'veth', 'peer', 'name', 'beyond');
  configure('ip', 'address', 'add', '10.7.0.1/24', 'dev', 'silent');
  configure('ip', 'link', 'set', 'silent', 'up');
  configure('ip', 'link', 'set', 'beyond', 'up');
  // The peer drops frames to other addresses.
  configure('ip', 'neighbour', 'add', '10.7.0.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'silent');
  configure('sysctl', '-qw', 'net.ipv4.tcp_syn_retries=1');
}

const NO_FAILURES = { refused: 0, timeout: 0, reset: 0, unreachable: 0, other: 0 };
const REASONS = ['refused', 'timeout', 'reset', 'unreachable', 'other'] as const;

function failures(counts: readonly number[]): Record<string, number> {
  return Object.fromEntries(REASONS.map((reason, i) => [reason, counts[i] ?? 0]));
}

describe('a failed connect is counted once, by its reason, on the edge too', () => {
  test.each([
    { name: 'refused', host: '127.0.0.1', ends: 'ECONNREFUSED', counted: { refused: 2 }, count: 2 },
    { name: 'refused over IPv6', host: '::1', ends: 'ECONNREFUSED', counted: { refused: 2 }, count: 2 },
    { name: 'no answer', host: '10.7.0.2', ends: 'ETIMEDOUT', counted: { timeout: 1 } },
    {
      name: 'given up after an unanswered SYN',
      host: '10.7.0.2',
      giveUpMs: 1500,
      ends: 'gave up',
      counted: { timeout: 1 },
    },
    { name: 'given up at once', host: '10.7.0.2', giveUpMs: 20, ends: 'gave up', counted: { other: 1 } },
  ])('$name', async ({ host, ends, counted, count = 1, giveUpMs }) => {
    await withSandbox(async (sandbox) => {
      addSilentNetwork(sandbox);
      const { cgroup } = sandbox;
      const outcomes = await sandbox.run(cgroup, 'connect.mjs', { host, port: 4321, count, giveUpMs });
      expect(outcomes).toEqual(Array.from({ length: count }, () => ends));
      const row = await until('the failures', () => {
        const tcp = tcpOf(bpf, cgroup.id, 'client');
        return tcp !== undefined && tcp.connectFailures.some((n) => n > 0) ? tcp : undefined;
      });
      expect(failures(row.connectFailures)).toEqual({ ...NO_FAILURES, ...counted });
      expect(row).toMatchObject({ opened: 0, closed: 0, sentBytes: 0, receivedBytes: 0 });
      expect(row.connect.count + row.lifetime.count).toBe(0);
      const edges = edgesOf(bpf, cgroup.id);
      expect(edges).toHaveLength(1);
      expect(edges[0]).toMatchObject({ port: 4321, connectFailures: count });
      expect(requestsOf(bpf, cgroup.id, 'client')).toBeUndefined();
    });
  });

  test('no reply', async () => {
    await withSandbox(async (sandbox) => {
      addSilentNetwork(sandbox);
      // So that the attempt is still under way when it is looked at, however busy the machine is.
      sandbox.configure('sysctl', '-qw', 'net.ipv4.tcp_syn_retries=6', 'net.ipv4.neigh.silent.mcast_solicit=60');
      const { cgroup } = sandbox;
      const outcome = sandbox.run(cgroup, 'connect.mjs', { host: '10.7.0.3', port: 4321 });
      await until('a SYN', () => sandbox.configure('ss', '-Hnt', 'state', 'syn-sent').trim() || undefined);
      // The kernel does this when its ARP requests had no reply for three seconds.
      sandbox.configure('ip', 'neighbour', 'replace', '10.7.0.3', 'nud', 'failed', 'dev', 'silent');
      // The kernel wakes the application before it sets the error, so a fast one may see a success.
      expect(['EHOSTUNREACH', 'connected']).toContainEqual(((await outcome) as string[])[0]);
      const { connectFailures = [] } = tcpOf(bpf, cgroup.id, 'client') ?? {};
      expect(failures(connectFailures)).toEqual({ ...NO_FAILURES, unreachable: 1 });
      expect(edgesOf(bpf, cgroup.id)).toMatchObject([{ port: 4321, connectFailures: 1 }]);
    });
  });

  test('aborted from outside', async () => {
    await withSandbox(async (sandbox) => {
      addSilentNetwork(sandbox);
      const { cgroup } = sandbox;
      const outcome = sandbox.run(cgroup, 'connect.mjs', { host: '10.7.0.2', port: 4321 });
      await until('a socket to abort', () => sandbox.configure('ss', '-HnKt', 'dst', '10.7.0.2').trim() || undefined);
      expect(await outcome).toEqual(['ECONNABORTED']);
      expect(failures(tcpOf(bpf, cgroup.id, 'client')?.connectFailures ?? [])).toEqual({ ...NO_FAILURES, reset: 1 });
    });
  });
});

test('100 connections closed immediately are all counted, and not as failed', async () => {
  await withSandbox(async (sandbox) => {
    const [server, client] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
    const running = await sandbox.start(server, 'tcp-server.mjs', { host: '127.0.0.1' });
    const { port } = running.ready as { port: number };
    const outcomes = await sandbox.run(client, 'connect.mjs', { host: '127.0.0.1', port, count: 100 });
    expect(outcomes).toEqual(Array.from({ length: 100 }, () => 'connected'));
    await running.stop();
    const ends = [
      { id: client.id, role: 'client' },
      { id: server.id, role: 'server' },
    ] as const;
    for (const { id, role } of ends) {
      const row = await until('the connections to close', () => {
        const tcp = tcpOf(bpf, id, role);
        return tcp !== undefined && tcp.closed >= 100 ? tcp : undefined;
      });
      expect(row).toMatchObject({ opened: 100, closed: 100, connectFailures: [0, 0, 0, 0, 0] });
    }
    expect(edgesOf(bpf, client.id)).toEqual([]);
    expect(requestsOf(bpf, server.id, 'server')).toBeUndefined();
  });
});

test('a connection that stays open is opened and not closed', async () => {
  await withSandbox(async (sandbox) => {
    const [server, client] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
    const running = await sandbox.start(server, 'http-server.mjs', { host: '127.0.0.1', delayMs: 60_000 });
    const { port } = running.ready as { port: number };
    await sandbox.start(client, 'closing/open-request.mjs', { host: '127.0.0.1', port });
    const open = await until('the request to arrive', () => {
      const row = tcpOf(bpf, server.id, 'server');
      return row !== undefined && row.receivedBytes > 0 ? row : undefined;
    });
    expect(open).toMatchObject({ opened: 1, closed: 0, sentBytes: 0 });
    expect(tcpOf(bpf, client.id, 'client')).toMatchObject({ opened: 1, closed: 0, sentBytes: open.receivedBytes });
    // Without a response it is not a request yet.
    expect(requestsOf(bpf, server.id, 'server')).toBeUndefined();
  });
});

test('the response of a connection that both ends have shut down is still read', async () => {
  await withSandbox(async (sandbox) => {
    const [server, client] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
    const running = await sandbox.start(server, 'closing/late-reader.mjs', { listen: '127.0.0.1' });
    const { port } = running.ready as { port: number };
    const { received } = (await sandbox.run(client, 'closing/late-reader.mjs', { host: '127.0.0.1', port })) as {
      received: number;
    };
    expect(received).toBeGreaterThan(0);
    expect(tcpOf(bpf, client.id, 'client')).toMatchObject({ opened: 1, closed: 1, receivedBytes: received });
    expect(requestsOf(bpf, client.id, 'client')?.count).toBe(1);
  });
});

test.each(['127.0.0.1', '::1'])('UDP over %s and UNIX sockets are counted nowhere', async (host) => {
  await withSandbox(async (sandbox) => {
    const { cgroup } = sandbox;
    const path = join(tmpdir(), `${sandbox.netns}.sock`);
    expect(await sandbox.run(cgroup, 'datagrams.mjs', { host, count: 20, path })).toEqual({ udp: 20, unix: 20 });
    expect(isCounted(bpf, cgroup.id)).toBe(false);
    // The programs are running: TCP from the same cgroup is counted.
    expect(await sandbox.run(cgroup, 'connect.mjs', { host, port: 1 })).toEqual(['ECONNREFUSED']);
    expect(isCounted(bpf, cgroup.id)).toBe(true);
  });
});

test('a connection older than the programs is tracked from its next bytes', async () => {
  await withSandbox(async (sandbox) => {
    const [server, client] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
    const running = await sandbox.start(server, 'http-server.mjs', { host: '127.0.0.1', delayMs: 5 });
    const { port } = running.ready as { port: number };
    const asking = sandbox.run(client, 'http-client.mjs', { host: '127.0.0.1', port, kept: 300 });
    const requests = (from: BpfObject) => requestsOf(from, server.id, 'server')?.count ?? 0;
    await until('requests on the connection', () => requests(bpf) > 0 || undefined);
    const later = BpfObject.open(defaultObjectPath());
    try {
      const before = requests(bpf);
      for (const program of later.programs) later.attach(program);
      const attached = requests(bpf);
      await until('more of them', () => requests(bpf) > attached + 3 || undefined);
      await asking;
      await running.stop();
      await until('the connection to close', () => tcpOf(bpf, server.id, 'server')?.closed || undefined);
      expect(requests(bpf)).toBe(300);
      // For the request in progress, the programs may only see its start or its end.
      expect(requests(later)).toBeGreaterThanOrEqual(300 - attached - 1);
      expect(requests(later)).toBeLessThanOrEqual(300 - before);
      const adopted = { adopted: 1, opened: 0, closed: 1, lifetime: { count: 0 } };
      expect(tcpOf(later, server.id, 'server')).toMatchObject(adopted);
      expect(tcpOf(later, client.id, 'client')).toMatchObject(adopted);
      for (const map of ['services', 'edges', 'cgroups'] as const) expect(lostOf(later, map)).toBe(0);
    } finally {
      later.close();
    }
  });
});
