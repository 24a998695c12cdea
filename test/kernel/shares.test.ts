import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath, type BpfMap } from '../../native/index.ts';
import { compileTraffic } from './bpf/compile.ts';
import { edgesOf, listenersOf, lostOf, protocolsOf, tcpOf, udpEdgesOf } from './bpf/rows.ts';
import { withSandbox, type Cgroup, type Sandbox } from './sandbox/sandbox.ts';

/** Shares of the maps `edges`, `accept_queues`, `udp_edges` and `port_protocols`: bpf/shared/shares.bpf.h. */

const ROWS = 900;
const [MONITORED, UNMONITORED] = [1, 2];

let bpf: BpfObject;
let folder: string;
let crowd: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-shares-'));
  crowd = compileTraffic('crowd.c', folder);
  bpf = BpfObject.open(defaultObjectPath(), {
    maxEntries: { edges: ROWS, accept_queues: ROWS, udp_edges: ROWS, port_protocols: ROWS },
    constants: { edge_rows: ROWS, accept_queue_rows: ROWS, udp_edge_rows: ROWS, port_protocol_rows: ROWS },
  });
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true });
});

function key(id: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(id);
  return bytes;
}

/** Classifies a cgroup and all below before they have sockets. */
function classify({ id }: Cgroup, state: number): void {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(state);
  bpf.map('targets').update(key(id), value);
}

/** Runs a scan in a child cgroup of `cgroup` to its end. */
async function scan(sandbox: Sandbox, state: number | undefined, peers: number, listens: number) {
  const cgroup = sandbox.childCgroup(`scan-${peers}-${listens}-${state}`);
  if (state !== undefined) classify(cgroup, state);
  const leaf = sandbox.childCgroup(`${basename(cgroup.path)}/leaf`);
  const running = await sandbox.start(leaf, crowd, { peers, listens });
  const rows = { edges: edgesOf(bpf, leaf.id).length, listeners: listenersOf(bpf, leaf.id).length };
  await running.stop();
  return { leaf, rows };
}

/** The number of rows that the kernel knows of: all, and those of cgroups that are not monitored. */
function used(index: number): readonly bigint[] {
  const { values } = bpf.map('row_use').read();
  return [values.readBigInt64LE(16 * index), values.readBigInt64LE(16 * index + 8)];
}

const unmonitored = (map: string): number => bpf.map(`unmonitored_${map}`).readSums().words[0] ?? NaN;

function rowOf(map: BpfMap, id: bigint): Buffer | undefined {
  const { count, keys, values } = map.read();
  for (let row = 0; row < count; row++)
    if (keys.readBigUInt64LE(8 * row) === id) return values.subarray(row * map.valueSize, (row + 1) * map.valueSize);
  return undefined;
}

test('an unmonitored cgroup has no rows, an unclassified one some, a monitored one leaves room', () =>
  withSandbox(async (sandbox) => {
    const lost = { edges: lostOf(bpf, 'edges'), listeners: lostOf(bpf, 'listeners') };
    const before = { edges: unmonitored('edges'), listeners: unmonitored('listeners') };
    const none = await scan(sandbox, UNMONITORED, 400, 100);
    expect(none.rows).toEqual({ edges: 0, listeners: 0 });
    expect(unmonitored('edges') - before.edges).toBeGreaterThanOrEqual(400);
    expect(unmonitored('listeners') - before.listeners).toBe(100);
    // Its connections count as before.
    expect(tcpOf(bpf, none.leaf.id, 'client')?.connectFailures[0]).toBeGreaterThanOrEqual(400);

    const some = await scan(sandbox, undefined, 400, 400);
    // Other programs on this machine have some as well, and connects on two CPUs at once may pass the limit by one.
    expect(some.rows.edges).toBeGreaterThan(0);
    expect(some.rows.edges).toBeLessThanOrEqual(ROWS / 4);
    expect(Number(used(0)[1])).toBeLessThan(ROWS / 4 + 10);
    // Its refusals are in its own row until somebody knows whether they are a loss.
    const info = rowOf(bpf.map('cgroups'), some.leaf.id) as Buffer;
    expect(info.readUInt32LE(96)).toBe(0);
    expect(info.readInt32LE(100)).toBe(some.rows.edges);
    expect(info.readUInt32LE(116)).toBeGreaterThanOrEqual(400 - some.rows.edges);
    expect({ edges: lostOf(bpf, 'edges'), listeners: lostOf(bpf, 'listeners') }).toEqual(lost);

    const most = await scan(sandbox, MONITORED, 1000, 0);
    expect(most.rows.edges).toBeGreaterThan(500);
    expect(Number(used(0)[0])).toBeLessThan(ROWS);
    expect(lostOf(bpf, 'edges') - lost.edges).toBeGreaterThanOrEqual(1000 - most.rows.edges);
    const next = await scan(sandbox, MONITORED, 40, 20);
    expect(next.rows).toEqual({ edges: 40, listeners: 20 });
  }));

test('rows of listening sockets are given back', () =>
  withSandbox(async (sandbox) => {
    const { leaf, rows } = await scan(sandbox, MONITORED, 0, 60);
    expect(rows.listeners).toBe(60);
    // Listening sockets of other programs remain.
    expect(Number(used(1)[0])).toBeLessThan(ROWS / 2);
    expect(rowOf(bpf.map('cgroups'), leaf.id)?.readInt32LE(104)).toBe(0);
  }));

test('a new cgroup is recorded with its path, and a loopback peer with its network namespace', () =>
  withSandbox(async (sandbox) => {
    const { leaf } = await scan(sandbox, MONITORED, 1, 0);
    const path = rowOf(bpf.map('cgroup_paths'), leaf.id) as Buffer;
    const names = path.toString('utf8', 4, 4 + path.readUInt32LE(0)).split('\0');
    expect(names).toEqual(['leaf', 'scan-1-0-1', basename(sandbox.cgroup.path), '']);
    const { count, keys } = bpf.map('edges').readSums();
    const own = Array.from({ length: count }, (_, row) => keys.subarray(32 * row, 32 * (row + 1))).filter(
      (edge) => edge.readBigUInt64LE() === leaf.id,
    );
    expect(own.map((edge) => edge.readUInt32LE(28))).toEqual([statSync(`/run/netns/${sandbox.netns}`).ino]);
  }));

test.each([
  { cgroup: 'an unmonitored', state: UNMONITORED, rows: 0 },
  { cgroup: 'a monitored', state: MONITORED, rows: 1 },
])('$cgroup cgroup has $rows rows of protocols and of UDP peers', ({ state, rows }) =>
  withSandbox(async (sandbox) => {
    const cgroup = sandbox.childCgroup('talk');
    const maps = ['edges', 'udp_edges', 'port_protocols'];
    const before = maps.map(unmonitored);
    classify(cgroup, state);
    const lines = [
      { by: 'client', text: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
      { by: 'server', text: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' },
    ];
    await sandbox.run(cgroup, 'dialogue.mjs', { lines });
    await sandbox.run(cgroup, 'datagrams.mjs', { host: '127.0.0.1', count: 2, path: join(folder, `${state}.sock`) });
    const { client, server } = protocolsOf(bpf, cgroup.id);
    const udp = Object.keys(udpEdgesOf(bpf, cgroup.id));
    const found = { edges: edgesOf(bpf, cgroup.id), client, server, udp };
    expect(Object.entries(found).map(([name, { length }]) => [name, length])).toEqual(
      Object.keys(found).map((name) => [name, rows]),
    );
    // Other programs of this machine may be refused rows as well, if user space has classified them.
    for (const [index, map] of maps.entries())
      expect(unmonitored(map) - (before[index] ?? 0)).toBeGreaterThanOrEqual(1 - rows);
    if (rows === 0) return;
    const { keys } = bpf.map('udp_edges').readSums();
    expect(keys.readUInt32LE(keys.indexOf(key(cgroup.id)) + 28)).toBe(statSync(`/run/netns/${sandbox.netns}`).ino);
  }),
);
