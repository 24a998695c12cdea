import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { compileTraffic } from './bpf/compile.ts';
import { ancestorsOf, edgesOf, requestsOf, tcpOf } from './bpf/rows.ts';
import { withSandbox } from './sandbox/sandbox.ts';
import { until } from '../until.ts';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';

interface Moved {
  readonly sent: number;
  readonly received: number;
  readonly requests: number;
}

interface ClientOptions {
  readonly single: number;
  readonly kept?: number;
  readonly parallel?: number;
  readonly bodyBytes?: number;
}

let bpf: BpfObject;

beforeAll(() => {
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => bpf?.close());

/** Runs a server and a client in a cgroup each, and waits until all connections of both are closed. */
function exchange(hosts: { listen: string; connect: string }, server: object, client: ClientOptions) {
  return withSandbox(async (sandbox) => {
    const [serverCgroup, clientCgroup] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
    const running = await sandbox.start(serverCgroup, 'http-server.mjs', { host: hosts.listen, ...server });
    const { port } = running.ready as { port: number };
    const asked = (await sandbox.run(clientCgroup, 'http-client.mjs', {
      host: hosts.connect,
      port,
      ...client,
    })) as Moved & { connections: number };
    const answered = (await running.stop()) as Moved;
    const closed = (id: bigint, role: 'client' | 'server') =>
      until(`${role} connections to close`, () => {
        const row = tcpOf(bpf, id, role);
        return row !== undefined && row.closed >= asked.connections ? row : undefined;
      });
    return {
      asked,
      answered,
      port,
      sandboxId: sandbox.cgroup.id,
      server: { id: serverCgroup.id, tcp: await closed(serverCgroup.id, 'server') },
      client: { id: clientCgroup.id, tcp: await closed(clientCgroup.id, 'client') },
    };
  });
}

const LOOPBACK_4 = '00000000000000000000ffff7f000001';
const LOOPBACK_6 = '00000000000000000000000000000001';

describe.each([
  { name: 'IPv4', listen: '127.0.0.1', connect: '127.0.0.1', address: LOOPBACK_4 },
  { name: 'IPv6', listen: '::1', connect: '::1', address: LOOPBACK_6 },
  { name: 'IPv4 to an IPv6 listener', listen: '::', connect: '127.0.0.1', address: LOOPBACK_4 },
  { name: 'IPv4-mapped IPv6', listen: '::', connect: '::ffff:127.0.0.1', address: LOOPBACK_4 },
])('$name', (hosts) => {
  test('23 connections of one request and one of 3 are 26 requests on 24 connections', async () => {
    const { asked, answered, port, server, client } = await exchange(
      hosts,
      { bodyBytes: 1000 },
      { single: 23, kept: 3 },
    );
    expect(asked).toMatchObject({ requests: 26, connections: 24 });
    expect(answered.requests).toBe(26);

    expect(requestsOf(bpf, server.id, 'server')?.count).toBe(26);
    expect(requestsOf(bpf, client.id, 'client')?.count).toBe(26);
    expect(requestsOf(bpf, server.id, 'client')).toBeUndefined();
    expect(requestsOf(bpf, client.id, 'server')).toBeUndefined();

    expect(server.tcp).toMatchObject({ opened: 24, closed: 24, connectFailures: [0, 0, 0, 0, 0] });
    expect(client.tcp).toMatchObject({ opened: 24, closed: 24, connectFailures: [0, 0, 0, 0, 0] });
    expect(client.tcp.connect.count).toBe(24);
    expect(server.tcp.connect.count).toBe(0);
    expect(client.tcp.lifetime.count).toBe(24);
    expect(server.tcp.lifetime.count).toBe(24);

    expect(client.tcp).toMatchObject({ sentBytes: asked.sent, receivedBytes: asked.received });
    expect(server.tcp).toMatchObject({ sentBytes: answered.sent, receivedBytes: answered.received });
    expect(asked.received).toBeGreaterThan(26 * 1000);

    const edges = edgesOf(bpf, client.id);
    expect(edges).toHaveLength(1);
    expect(edges[0]).toMatchObject({ address: hosts.address, port, connectFailures: 0 });
    expect(edges[0]).toMatchObject({ sentBytes: asked.sent, receivedBytes: asked.received });
    expect(edges[0]?.requests.count).toBe(26);
    expect(edgesOf(bpf, server.id)).toEqual([]);
  });
});

const LOCAL = { listen: '127.0.0.1', connect: '127.0.0.1' };

test('durations are those of the server and of the client that waits for it', async () => {
  const { server, client } = await exchange(LOCAL, { delayMs: 40 }, { single: 1, kept: 4 });
  const served = requestsOf(bpf, server.id, 'server');
  const asked = requestsOf(bpf, client.id, 'client');
  // Between 2^25 (34 ms) and 2^26 ns is bucket 12; a machine under load may take longer, never less.
  expect(served?.buckets.slice(0, 12).every((n) => n === 0)).toBe(true);
  expect(served?.sumNs).toBeGreaterThan(5 * 38e6);
  expect(asked?.sumNs).toBeGreaterThan(served?.sumNs ?? Infinity);
  // A connection outlives its request.
  expect(server.tcp.lifetime.sumNs).toBeGreaterThan(served?.sumNs ?? Infinity);
});

test('large bodies in both directions, sent and received in many calls, are one request each', async () => {
  const { asked, answered, server, client } = await exchange(
    LOCAL,
    { bodyBytes: 3_000_000 },
    { single: 2, kept: 2, bodyBytes: 2_000_000 },
  );
  expect(requestsOf(bpf, server.id, 'server')?.count).toBe(4);
  expect(requestsOf(bpf, client.id, 'client')?.count).toBe(4);
  expect(client.tcp).toMatchObject({ sentBytes: asked.sent, receivedBytes: asked.received });
  expect(server.tcp).toMatchObject({ sentBytes: answered.sent, receivedBytes: answered.received });
  expect(asked.received).toBeGreaterThan(4 * 3_000_000);
});

test('nothing is lost with many connections at once', async () => {
  const parallel = 32;
  const { server, client } = await exchange(LOCAL, {}, { single: 60, kept: 60, parallel });
  expect(requestsOf(bpf, server.id, 'server')?.count).toBe(120 * parallel);
  expect(requestsOf(bpf, client.id, 'client')?.count).toBe(120 * parallel);
  expect(server.tcp).toMatchObject({ opened: 61 * parallel, closed: 61 * parallel });
  expect(client.tcp).toMatchObject({ opened: 61 * parallel, closed: 61 * parallel });
  expect(edgesOf(bpf, client.id)[0]?.requests.count).toBe(120 * parallel);
});

test('a cgroup is recorded with its ancestors up to the root', async () => {
  const { server, client, sandboxId } = await exchange(LOCAL, {}, { single: 1 });
  const root = statSync(findCgroupMount(), { bigint: true }).ino;
  expect(ancestorsOf(bpf, server.id)).toEqual([sandboxId, root]);
  expect(ancestorsOf(bpf, client.id)).toEqual([sandboxId, root]);
});

test('peeked data, an unsolicited response and an empty socket are not requests', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-peek-'));
  try {
    const program = compileTraffic('peek.c', folder);
    await withSandbox(async (sandbox) => {
      const { id } = sandbox.cgroup;
      await sandbox.run(sandbox.cgroup, program, {});
      expect(requestsOf(bpf, id, 'server')?.count).toBe(3);
      expect(requestsOf(bpf, id, 'client')?.count).toBe(3);
      expect(tcpOf(bpf, id, 'server')).toMatchObject({ receivedBytes: 30, sentBytes: 22 });
      expect(tcpOf(bpf, id, 'client')).toMatchObject({ receivedBytes: 22, sentBytes: 30 });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
