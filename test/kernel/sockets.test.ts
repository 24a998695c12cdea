import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readListeners } from '../../exporter/kernel/listeners.ts';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { compileTraffic } from './bpf/compile.ts';
import { networkCounters } from './sandbox/network-counters.ts';
import { dropsOf, edgesOf, isCounted, lostOf, requestsOf, tcpOf, listenersOf } from './bpf/rows.ts';
import { withSandbox, type Cgroup, type Sandbox } from './sandbox/sandbox.ts';
import { until } from '../until.ts';

let bpf: BpfObject;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-sockets-'));
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Sum of the round-trip times of one end's open connections in nanoseconds, from `ss`. */
function roundTripsOf(sandbox: Sandbox, side: 'sport' | 'dport', port: number): { count: number; sumNs: number } {
  const sockets = sandbox.configure('ss', '-Htin', 'state', 'established', side, '=', `:${port}`);
  const times = [...sockets.matchAll(/\brtt:([\d.]+)\//g)];
  const sumUs = times.reduce((sum, [, milliseconds]) => sum + Math.round(Number(milliseconds) * 1000), 0);
  return { count: times.length, sumNs: sumUs * 1000 };
}

const ends = (from: BpfObject, id: bigint) => [tcpOf(from, id, 'client'), tcpOf(from, id, 'server')] as const;

/** Samples of both ends of the cgroup's connections. */
function samplesOf(from: BpfObject, { id }: Cgroup): { client: number; server: number; sumNs: number } {
  const [client, server] = ends(from, id);
  return {
    client: client?.roundTrip.count ?? 0,
    server: server?.roundTrip.count ?? 0,
    sumNs: (client?.roundTrip.sumNs ?? 0) + (server?.roundTrip.sumNs ?? 0),
  };
}

describe('round-trip times', () => {
  /** Separate programs that sample a connection at most once in `intervalNs`. */
  const withInterval = async (intervalNs: bigint, work: (own: BpfObject) => Promise<void>) => {
    const own = BpfObject.open(defaultObjectPath(), { constants: { round_trip_interval_ns: intervalNs } });
    try {
      for (const program of own.programs) own.attach(program);
      await work(own);
    } finally {
      own.close();
    }
  };
  const HOUR_NS = 3_600_000_000_000n;

  // A receiver gets no new measurements of its round trips, so ss and the sample must agree.
  test.each([
    { end: 'client', host: '127.0.0.1' },
    { end: 'client', host: '::1' },
    { end: 'server', host: '127.0.0.1' },
  ] as const)('of a receiving $end over $host agree with ss, once in an interval', ({ end, host }) =>
    withSandbox((sandbox) =>
      withInterval(HOUR_NS, async (own) => {
        const { cgroup } = sandbox;
        const count = 20;
        const running = await sandbox.start(cgroup, 'closing/one-way.mjs', {
          host,
          count,
          sender: end === 'client' ? 'server' : 'client',
        });
        const { port } = running.ready as { port: number };
        expect(samplesOf(own, cgroup)).toEqual({ client: 0, server: 0, sumNs: 0 });
        await running.ask('send');
        const received = () => (end === 'client' ? ends(own, cgroup.id)[0] : ends(own, cgroup.id)[1])?.roundTrip;
        const side = end === 'client' ? 'dport' : 'sport';
        expect(received()).toMatchObject(roundTripsOf(sandbox, side, port));
        expect(received()?.count).toBe(count);
        const before = samplesOf(own, cgroup);
        expect(before).toMatchObject({ client: count, server: count });
        await running.ask('send');
        await running.stop();
        await until('the connections to close', () => tcpOf(own, cgroup.id, 'server')?.closed === count || undefined);
        // They were sampled while they lived.
        expect(samplesOf(own, cgroup)).toEqual(before);
      }),
    ),
  );

  test('are sampled again after the interval', () =>
    withSandbox((sandbox) =>
      withInterval(1n, async (own) => {
        const { cgroup } = sandbox;
        const running = await sandbox.start(cgroup, 'closing/one-way.mjs', {
          host: '127.0.0.1',
          count: 5,
          sender: 'client',
        });
        for (let times = 1; times <= 3; times++) {
          await running.ask('send');
          expect(samplesOf(own, cgroup)).toMatchObject({ client: 5 * times, server: 5 * times });
        }
        await running.stop();
      }),
    ));

  test('take at most one sample per second and connection', () =>
    withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      const running = await sandbox.start(cgroup, 'closing/one-way.mjs', {
        host: '127.0.0.1',
        count: 1,
        sender: 'client',
      });
      const begin = performance.now();
      for (let times = 0; times < 100; times++) await running.ask('send');
      const seconds = (performance.now() - begin) / 1000;
      expect(samplesOf(bpf, cgroup).client).toBeLessThanOrEqual(1 + Math.floor(seconds));
      expect(samplesOf(bpf, cgroup).client).toBeGreaterThanOrEqual(1);
      await running.stop();
    }));

  test('of connections that never move a byte are sampled when they close', () =>
    withSandbox(async (sandbox) => {
      const [server, client] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
      const running = await sandbox.start(server, 'tcp-server.mjs', { host: '127.0.0.1' });
      const { port } = running.ready as { port: number };
      await sandbox.run(client, 'connect.mjs', { host: '127.0.0.1', port, count: 50 });
      await running.stop();
      await until('the connections to close', () => tcpOf(bpf, server.id, 'server')?.closed === 50 || undefined);
      expect(tcpOf(bpf, client.id, 'client')?.roundTrip.count).toBe(50);
      expect(tcpOf(bpf, server.id, 'server')?.roundTrip.count).toBe(50);
    }));
});

describe('accept queues', () => {
  test('have the length, limit and drops that ss and netstat have', () =>
    withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      const running = await sandbox.start(cgroup, compileTraffic('full-queue.c', folder), {});
      const { port } = running.ready as { port: number };
      expect(sandbox.configure('ss', '-Hltn').trim().split(/\s+/).slice(1, 3)).toEqual(['4', '3']);
      await until('a retransmitted SYN to be dropped', () => {
        const { 'TcpExt.ListenDrops': drops = 0 } = networkCounters(sandbox);
        return drops > 5 || undefined;
      });
      for (;;) {
        const before = networkCounters(sandbox);
        expect(listenersOf(bpf, cgroup.id)).toEqual([{ port, length: 4, limit: 3 }]);
        const drops = dropsOf(bpf, cgroup.id);
        if (networkCounters(sandbox)['TcpExt.ListenDrops'] !== before['TcpExt.ListenDrops']) continue;
        expect(before['TcpExt.ListenOverflows']).toBe(before['TcpExt.ListenDrops']);
        expect(drops).toEqual({ [port]: before['TcpExt.ListenDrops'] });
        break;
      }
      await until('one more after the walk', () => {
        const { 'TcpExt.ListenDrops': now = 0 } = networkCounters(sandbox);
        return now > (dropsOf(bpf, cgroup.id)[port] ?? 0) || undefined;
      });
      await running.stop();
      expect(listenersOf(bpf, cgroup.id)).toEqual([]);
      expect(dropsOf(bpf, cgroup.id)).toEqual({ [port]: networkCounters(sandbox)['TcpExt.ListenDrops'] });
    }));

  test('of an address without a listening socket, whose last event was missed, are read safely and removed', () => {
    const map = bpf.map('accept_queues');
    const addresses = [0n, 0x10n, 0xffff_ffff_ffff_f000n, 0xffff_8880_0000_0000n].map((address) => {
      const key = Buffer.alloc(8);
      key.writeBigUInt64LE(address);
      return key;
    });
    const row = Buffer.alloc(map.valueSize);
    row.writeUInt16LE(80, 8);
    const isThere = (key: Buffer): boolean => {
      const { count, keys } = map.read();
      return Array.from({ length: count }, (_, at) => keys.subarray(at * 8, at * 8 + 8)).some((one) => one.equals(key));
    };
    for (const key of addresses) map.update(key, row);
    expect(addresses.map(isThere)).toEqual(addresses.map(() => true));
    const ports = readListeners(bpf, map).filter(({ cgroup }) => cgroup === 0n);
    expect(ports).toEqual([]);
    expect(addresses.map(isThere)).toEqual(addresses.map(() => false));
  });

  test('of a port without a listening socket are removed', () =>
    withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      const running = await sandbox.start(cgroup, 'tcp-server.mjs', { host: '::' });
      const { port } = running.ready as { port: number };
      const [, , limit] = sandbox.configure('ss', '-Hltn').trim().split(/\s+/);
      expect(listenersOf(bpf, cgroup.id)).toEqual([{ port, length: 0, limit: Number(limit) }]);
      await running.stop();
      expect(listenersOf(bpf, cgroup.id)).toEqual([]);
    }));
});

describe('sockets that are older than the programs', () => {
  const withLater = async (work: (later: BpfObject) => Promise<void>) => {
    const later = BpfObject.open(defaultObjectPath());
    try {
      for (const program of later.programs) later.attach(program);
      await work(later);
    } finally {
      later.close();
    }
  };
  const withAdopted = (work: (later: BpfObject) => Promise<void>) =>
    withLater(async (later) => {
      await later.readIterator('adopt_sockets');
      await work(later);
    });

  test.each(['127.0.0.1', '::1'])('over %s are adopted, and counted from then on like others', (host) =>
    withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      const count = 25;
      const running = await sandbox.start(cgroup, 'closing/hold.mjs', { host, count });
      const { port } = running.ready as { port: number };
      await withAdopted(async (later) => {
        const fresh = { adopted: count, opened: 0, closed: 0, sentBytes: 0, receivedBytes: 0 };
        expect(ends(later, cgroup.id)).toMatchObject([fresh, fresh]);
        const { sent, received } = (await running.ask('ask')) as { sent: number; received: number };
        const client = { sentBytes: sent, receivedBytes: received };
        const server = { sentBytes: received, receivedBytes: sent };
        expect(ends(later, cgroup.id)).toMatchObject([client, server]);
        expect(requestsOf(later, cgroup.id, 'client')?.count).toBe(count);
        expect(requestsOf(later, cgroup.id, 'server')?.count).toBe(count);
        expect(edgesOf(later, cgroup.id)).toMatchObject([{ port, sentBytes: sent, receivedBytes: received }]);
        expect(listenersOf(later, cgroup.id)).toMatchObject([{ port, length: 0 }]);
        // A second adoption finds nothing new.
        await later.readIterator('adopt_sockets');
        expect(tcpOf(later, cgroup.id, 'server')?.adopted).toBe(count);
        await running.stop();
        const ended = { adopted: count, opened: 0, closed: count, lifetime: { count: 0 }, roundTrip: { count } };
        await until('both ends to close', () => tcpOf(later, cgroup.id, 'server')?.closed === count || undefined);
        expect(ends(later, cgroup.id)).toMatchObject([ended, ended]);
      });
    }),
  );

  test.each(['127.0.0.1', '::1'])('over %s are adopted by their next bytes, without a pass', (host) =>
    withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      const count = 25;
      const running = await sandbox.start(cgroup, 'closing/hold.mjs', { host, count });
      const { port } = running.ready as { port: number };
      await withLater(async (later) => {
        for (const times of [1, 2]) {
          const { sent, received } = (await running.ask('ask')) as { sent: number; received: number };
          const fresh = { adopted: count, opened: 0, closed: 0 };
          expect(ends(later, cgroup.id)).toMatchObject([
            { ...fresh, sentBytes: times * sent, receivedBytes: times * received },
            { ...fresh, sentBytes: times * received, receivedBytes: times * sent },
          ]);
          expect(requestsOf(later, cgroup.id, 'client')?.count).toBe(times * count);
          expect(requestsOf(later, cgroup.id, 'server')?.count).toBe(times * count);
          expect(edgesOf(later, cgroup.id)).toMatchObject([{ port, requests: { count: times * count } }]);
        }
        // A pass finds the listening port, but no further connection.
        expect(listenersOf(later, cgroup.id)).toEqual([]);
        await later.readIterator('adopt_sockets');
        expect(listenersOf(later, cgroup.id)).toMatchObject([{ port }]);
        await running.stop();
        await until('both ends to close', () => tcpOf(later, cgroup.id, 'server')?.closed === count || undefined);
        const ended = { adopted: count, opened: 0, closed: count };
        expect(ends(later, cgroup.id)).toMatchObject([ended, ended]);
      });
    }),
  );

  test('are adopted once, without losses, when two threads use them at the same time', () =>
    withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      const running = await sandbox.start(cgroup, compileTraffic('both-ways.c', folder), {});
      const { connections } = running.ready as { connections: number };
      await withLater(async (later) => {
        const { bytes } = (await running.ask('go')) as { bytes: number };
        // While a receive call returns, the send call of the other thread may count its bytes as unseen, in its place.
        const counted = ends(later, cgroup.id).map((end) => ({
          ...end,
          takenBytes: (end?.receivedBytes ?? 0) + (end?.unseenBytes ?? 0),
        }));
        const adopted = { adopted: connections, closed: 0, sentBytes: bytes, takenBytes: bytes };
        expect(counted).toMatchObject([adopted, adopted]);
        await running.stop();
        await until('both ends to close', () => tcpOf(later, cgroup.id, 'server')?.closed === connections || undefined);
        expect(tcpOf(later, cgroup.id, 'client')?.closed).toBe(connections);
      });
    }));

  test('are still servers after the listening socket is closed', () =>
    withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      const running = await sandbox.start(cgroup, 'closing/hold.mjs', {
        host: '127.0.0.1',
        count: 3,
        stopListening: true,
      });
      expect(sandbox.configure('ss', '-Hltn')).toBe('');
      await withAdopted(async (later) => {
        expect(ends(later, cgroup.id)).toMatchObject([{ adopted: 3 }, { adopted: 3 }]);
        await running.ask('ask');
        expect(requestsOf(later, cgroup.id, 'server')?.count).toBe(3);
        await running.stop();
      });
    }));

  test.each([
    { by: 'a pass', withOlder: withAdopted },
    { by: 'their first bytes', withOlder: withLater },
  ])('of unknown role are counted as lost by $by', ({ withOlder }) =>
    withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      // Clients with explicitly bound ports.
      const running = await sandbox.start(cgroup, 'closing/hold.mjs', {
        host: '127.0.0.1',
        count: 3,
        localPort: 20_000,
      });
      await withOlder(async (later) => {
        for (const asked of [3, 6]) {
          await running.ask('ask');
          expect(ends(later, cgroup.id)).toMatchObject([undefined, { adopted: 3 }]);
          expect(requestsOf(later, cgroup.id, 'client')).toBeUndefined();
          expect(requestsOf(later, cgroup.id, 'server')?.count).toBe(asked);
          // Other old sockets of the machine may be included.
          expect(lostOf(later, 'sockets')).toBeGreaterThanOrEqual(3);
        }
        await running.stop();
      });
    }),
  );

  test('of other protocols are ignored', () =>
    withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      const path = join(folder, 'unix.sock');
      const asked = sandbox.run(cgroup, 'datagrams.mjs', { host: '127.0.0.1', count: 2000, path });
      await withAdopted(async (later) => {
        await asked;
        expect(isCounted(later, cgroup.id)).toBe(false);
      });
    }));
});
