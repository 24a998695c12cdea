import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { loseSegments } from './sandbox/loss.ts';
import { networkCounters } from './sandbox/network-counters.ts';
import { tcpOf, unattributedOf } from './bpf/rows.ts';
import { kernelIsAtLeast } from './kernel-version.ts';
import { withSandbox, type Sandbox } from './sandbox/sandbox.ts';
import { until } from '../until.ts';

let bpf: BpfObject;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-segments-'));
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Waits until all sockets of the namespace have sent everything. */
const allClosed = (sandbox: Sandbox) =>
  until(
    'all sockets to close',
    () => sandbox.configure('ss', '-Htan', 'exclude', 'time-wait').trim() === '' || undefined,
    { timeoutMs: 25_000 },
  );

// On a busy machine, sometimes no BPF program of a CPU ran for some milliseconds: ftrace had the events, and
// recursion_misses did not increase. The cause is unknown, so the test has a second try, with the same exactness.
test.each(['127.0.0.1', '::1'])('retransmitted segments over %s agree with RetransSegs', { retry: 2 }, async (host) => {
  await withSandbox(async (sandbox) => {
    const [server, client] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
    loseSegments(sandbox, folder);
    const running = await sandbox.start(server, 'http-server.mjs', { host, bodyBytes: 300_000 });
    const { port } = running.ready as { port: number };
    await sandbox.run(client, 'http-client.mjs', {
      host,
      port,
      single: 6,
      kept: 6,
      parallel: 16,
      bodyBytes: 100_000,
    });
    await running.stop();
    await allClosed(sandbox);
    const rows = [tcpOf(bpf, client.id, 'client'), tcpOf(bpf, server.id, 'server')];
    expect(rows).toMatchObject([
      { opened: 112, closed: 112 },
      { opened: 112, closed: 112 },
    ]);
    const retransmitted = rows.map((row) => row?.retransmitted ?? 0);
    const counters = networkCounters(sandbox);
    expect(retransmitted.every((count) => count > 20)).toBe(true);
    // Handshakes lose segments as well.
    expect(counters['TcpExt.TCPSynRetrans']).toBeGreaterThan(0);
    expect(retransmitted.reduce((sum, count) => sum + count, 0)).toBe(counters['Tcp.RetransSegs']);
  });
});

test('resets are counted by sender and receiver', async () => {
  await withSandbox(async (sandbox) => {
    const { cgroup } = sandbox;
    const count = 40;
    const outcomes = await sandbox.run(cgroup, 'closing/give-up.mjs', { how: 'reset', count });
    expect(outcomes).toEqual(Array.from({ length: count }, () => 'no answer'));
    expect(tcpOf(bpf, cgroup.id, 'server')?.resets).toEqual([count, 0]);
    expect(tcpOf(bpf, cgroup.id, 'client')?.resets).toEqual([0, count]);
    expect(networkCounters(sandbox)['Tcp.OutRsts']).toBe(count);
  });
});

test('a reset for a packet without a socket is unattributed, and counted as received by the client', async () => {
  await withSandbox(async (sandbox) => {
    const { cgroup } = sandbox;
    const before = unattributedOf(bpf, 'reset');
    await sandbox.run(cgroup, 'connect.mjs', { host: '127.0.0.1', port: 4321, count: 30 });
    expect(networkCounters(sandbox)['Tcp.OutRsts']).toBe(30);
    expect(tcpOf(bpf, cgroup.id, 'client')).toMatchObject({ resets: [0, 30], connectFailures: [30, 0, 0, 0, 0] });
    expect(tcpOf(bpf, cgroup.id, 'server')).toBeUndefined();
    // Before kernel 6.10 the tracepoint does not fire for a reset without a socket.
    if (kernelIsAtLeast(6, 10)) expect(unattributedOf(bpf, 'reset') - before).toBeGreaterThanOrEqual(30);
  });
});
