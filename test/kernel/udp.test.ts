import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { compileTraffic } from './bpf/compile.ts';
import { lostOf, udpEdgesOf, udpOf, unattributedOf, type UdpEdgeRow, type UdpRow } from './bpf/rows.ts';
import { withSandbox } from './sandbox/sandbox.ts';

let bpf: BpfObject;
let folder: string;
let program: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-udp-'));
  program = compileTraffic('udp', folder);
  bpf = BpfObject.open(defaultObjectPath());
  for (const name of bpf.programs) bpf.attach(name);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true, force: true });
});

const QUERY = 30;
const ANSWER = 60;
const MS = 1e6;
const LATE = 'a query expires after 5 s';

/** An edge without the buckets of its histogram. */
interface Edge extends Omit<UdpEdgeRow, 'requests'> {
  readonly count: number;
  readonly sumNs: number;
}

interface Seen {
  readonly edges: Readonly<Record<string, Edge>>;
  readonly client: UdpRow | undefined;
  readonly server: UdpRow | undefined;
  readonly unattributed: { readonly datagrams: number; readonly dnsMessages: number };
}

const ALL_EVENTS = ['datagram', 'dns_message'] as const;

/** Address and port as in /etc/hosts: `127.0.0.1:53`. */
function readable(edge: string): string {
  const [address = '', port] = edge.split(':');
  if (!address.startsWith('00000000000000000000ffff')) return `[${address.replace(/^0+/, '::')}]:${port}`;
  return `${[24, 26, 28, 30].map((at) => Number.parseInt(address.slice(at, at + 2), 16)).join('.')}:${port}`;
}

/** Runs a scenario of traffic/udp in a cgroup of its own; `later` runs after it, before the counts are read. */
function run(scenario: string, later?: () => Promise<void>): Promise<Seen> {
  return withSandbox(async (sandbox) => {
    const { id } = sandbox.cgroup;
    const before = ALL_EVENTS.map((event) => unattributedOf(bpf, event));
    await sandbox.run(sandbox.cgroup, program, { scenario });
    await later?.();
    const [datagrams = 0, dnsMessages = 0] = ALL_EVENTS.map(
      (event, index) => unattributedOf(bpf, event) - (before[index] ?? 0),
    );
    const edges = Object.entries(udpEdgesOf(bpf, id)).map(([name, { requests, ...rest }]) => [
      readable(name),
      { count: requests.count, sumNs: requests.sumNs, ...rest },
    ]);
    return {
      edges: Object.fromEntries(edges) as Record<string, Edge>,
      client: udpOf(bpf, id, 'client'),
      server: udpOf(bpf, id, 'server'),
      unattributed: { datagrams, dnsMessages },
    };
  });
}

const NONE = { count: 0, sentBytes: 0, receivedBytes: 0, unanswered: 0, overlapping: 0, unexpected: 0 };
const NOTHING_LOST = { datagrams: 0, dnsMessages: 0 };

/** The functions that are hooked before kernel 6.3 have the source of a datagram; the tracepoints don't. */
const knowsSource = (): boolean => !bpf.programs.includes('sock_recv_length');

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const expire = async (): Promise<void> => {
  await sleep(5100);
  bpf.run('expire_dns_queries');
};

describe('DNS', () => {
  test('A and AAAA in one call are paired with their answers, which come in the other order', async () => {
    const { edges, client, server, unattributed } = await run('pair');
    expect(edges).toEqual({
      '127.0.0.1:53': { ...NONE, count: 6, sumNs: expect.any(Number), sentBytes: 6 * QUERY, receivedBytes: 6 * ANSWER },
    });
    // 20 ms and 60 ms; the order of sending would give 60 and 20 as well, but by 100 % wrong queries.
    const { sumNs = 0 } = edges['127.0.0.1:53'] ?? {};
    expect(sumNs).toBeGreaterThan(3 * 80 * MS);
    expect(sumNs).toBeLessThan(3 * 160 * MS);
    const both = { sentDatagrams: 6, receivedDatagrams: 6 };
    expect(client).toEqual({ ...both, sentBytes: 6 * QUERY, receivedBytes: 6 * ANSWER });
    expect(server).toEqual({ ...both, sentBytes: 6 * ANSWER, receivedBytes: 6 * QUERY });
    expect(unattributed).toEqual(NOTHING_LOST);
  });

  test('messages of one call go to their own servers, also after one that failed', async () => {
    const { edges, unattributed } = await run('batch');
    const edge = (bytes: number, rest = {}) => ({
      ...NONE,
      count: 1,
      sumNs: expect.any(Number),
      sentBytes: bytes,
      receivedBytes: ANSWER,
      ...rest,
    });
    expect(edges).toEqual({
      // Sent again with the same id.
      '127.0.0.1:53': edge(2 * QUERY, { unanswered: 1 }),
      '127.0.0.2:53': edge(QUERY + 1),
      '127.0.0.3:53': edge(QUERY + 2),
    });
    expect(unattributed).toEqual(NOTHING_LOST);
  });

  test('answers of one call are paired with their queries', async () => {
    const { edges, unattributed } = await run('many');
    const moved = { sentBytes: 12 * QUERY, receivedBytes: 12 * ANSWER };
    expect(edges).toEqual({ '127.0.0.1:53': { ...NONE, count: 12, sumNs: expect.any(Number), ...moved } });
    expect(unattributed).toEqual(NOTHING_LOST);
  });

  test('a query to one server by sendto() on an unconnected socket is exact', async () => {
    const { edges, unattributed } = await run('single');
    expect(edges).toMatchObject({
      '127.0.0.1:53': { ...NONE, count: 1, sentBytes: QUERY, receivedBytes: ANSWER },
    });
    expect(edges['127.0.0.1:53']?.sumNs).toBeGreaterThan(20 * MS);
    expect(unattributed).toEqual(NOTHING_LOST);
  });

  test('of the same query to several servers at most one is answered, and none unanswered', async () => {
    const { edges, client, unattributed } = await run('several', expire);
    const edge = { ...NONE, sumNs: 0, sentBytes: QUERY };
    const answered = { ...edge, count: 1, sumNs: expect.any(Number), receivedBytes: ANSWER };
    const [known, lost] = knowsSource() ? [answered, 0] : [edge, 1];
    expect(edges).toEqual({ '127.0.0.1:53': edge, '127.0.0.2:53': edge, '127.0.0.3:53': known });
    expect(client).toEqual({ sentDatagrams: 3, receivedDatagrams: 1, sentBytes: 3 * QUERY, receivedBytes: ANSWER });
    expect(unattributed).toEqual({ datagrams: lost, dnsMessages: lost });
  }, 20_000);

  test('ids tell the servers of an unconnected socket apart; a duplicate is no request', async () => {
    const { edges, unattributed } = await run('distinct');
    const edge = { ...NONE, count: 1, sentBytes: QUERY, receivedBytes: ANSWER };
    const repeated = knowsSource() ? { ...edge, receivedBytes: 2 * ANSWER } : edge;
    expect(edges).toMatchObject({ '127.0.0.1:53': repeated, '127.0.0.2:53': edge });
    expect(unattributed).toEqual({ datagrams: knowsSource() ? 0 : 1, dnsMessages: 0 });
  });

  test('a query repeated before its answer is unanswered', async () => {
    const { edges } = await run('retry');
    expect(edges).toMatchObject({ '127.0.0.1:53': { count: 1, unanswered: 1, sentBytes: 2 * QUERY } });
  });

  test(`without an answer are unanswered, also if their socket is closed: ${LATE}`, async () => {
    const { edges } = await run('lost', async () => {
      bpf.run('expire_dns_queries');
      await expire();
    });
    expect(edges).toEqual({
      '127.0.0.1:53': { ...NONE, sumNs: 0, sentBytes: 3 * QUERY, unanswered: 3 },
      '127.0.0.9:53': { ...NONE, sumNs: 0, sentBytes: QUERY, unanswered: 1 },
    });
    expect(bpf.map('dns_queries').read().count).toBe(0);
  }, 20_000);

  test('an answer after 5 s is none', async () => {
    const { edges } = await run('late', async () => bpf.run('expire_dns_queries'));
    expect(edges).toMatchObject({ '127.0.0.1:53': { count: 0, unanswered: 1, receivedBytes: ANSWER } });
  }, 20_000);

  test.each([
    ['calls', '127.0.0.1:53'],
    ['calls6', '[::1]:53'],
  ])('%s: every call that sends or receives is read', async (scenario, name) => {
    const { edges, unattributed } = await run(scenario);
    expect(edges).toMatchObject({ [name]: { ...NONE, count: 5, sentBytes: 5 * QUERY, receivedBytes: 5 * ANSWER } });
    expect(unattributed).toEqual(NOTHING_LOST);
  });

  test('IPv4 over an IPv6 socket has the address of IPv4', async () => {
    const { edges } = await run('mapped');
    const edge = { ...NONE, count: 1, sentBytes: QUERY, receivedBytes: ANSWER };
    expect(edges).toMatchObject({ '127.0.0.1:53': edge, '[::1]:53': edge });
  });

  test.each(['127.0.0.1', '::1'])("Node's resolver at %s: 100 queries at once", (host) =>
    withSandbox(async (sandbox) => {
      const { id } = sandbox.cgroup;
      const lost = lostOf(bpf, 'dns_queries');
      const options = { host, names: 50, delayMs: 40 };
      expect(await sandbox.run(sandbox.cgroup, 'udp/resolve.mjs', options)).toEqual({ queries: 100, answers: 100 });
      const [edge] = Object.values(udpEdgesOf(bpf, id));
      expect(edge).toMatchObject({ unanswered: 0, overlapping: 0, unexpected: 0 });
      expect(edge?.requests.count).toBe(100);
      expect(edge?.requests.sumNs).toBeGreaterThan(100 * 38 * MS);
      expect(lostOf(bpf, 'dns_queries')).toBe(lost);
    }),
  );
});

describe('other ports', () => {
  test('one answer for each request: durations without the silence between them', async () => {
    const { edges, unattributed } = await run('exchange');
    expect(edges).toMatchObject({ '127.0.0.1:123': { ...NONE, count: 10, sentBytes: 70, receivedBytes: 60 } });
    const { sumNs = 0 } = edges['127.0.0.1:123'] ?? {};
    expect(sumNs).toBeGreaterThan(10 * 20 * MS);
    expect(sumNs).toBeLessThan(10 * 45 * MS);
    expect(unattributed).toEqual(NOTHING_LOST);
  });

  test('a request repeated after half a second is unanswered', async () => {
    const { edges } = await run('repeated');
    expect(edges).toMatchObject({
      '127.0.0.1:123': { ...NONE, count: 1, unanswered: 1, sentBytes: 14, receivedBytes: 6 },
    });
    expect(edges['127.0.0.1:123']?.sumNs).toBeLessThan(100 * MS);
  });

  test('a sender without answers has bytes only', async () => {
    const { edges, client, server } = await run('oneway');
    expect(edges).toEqual({ '127.0.0.1:8125': { ...NONE, sumNs: 0, sentBytes: 99 * 6, overlapping: 98 } });
    expect(client).toEqual({ sentDatagrams: 100, receivedDatagrams: 0, sentBytes: 99 * 6, receivedBytes: 0 });
    expect(server).toEqual({ sentDatagrams: 0, receivedDatagrams: 100, sentBytes: 0, receivedBytes: 99 * 6 });
  });

  test('datagrams without turns are recognised', async () => {
    const { edges } = await run('stream');
    expect(edges).toMatchObject({
      '127.0.0.1:443': { sentBytes: 120, receivedBytes: 360, unanswered: 0, unexpected: 40 },
    });
  });

  test('on a socket with a bound port, only the sources of DNS messages are known', async () => {
    const { edges, unattributed } = await run('bound');
    const answered = { count: 1, receivedBytes: ANSWER };
    const known = knowsSource();
    expect(edges).toMatchObject({
      '127.0.0.1:9000': { count: known ? 1 : 0, sentBytes: 5, receivedBytes: known ? 2 : 0 },
      '127.0.0.1:53': { ...answered, sentBytes: QUERY },
    });
    expect(unattributed).toEqual({ datagrams: known ? 0 : 2, dnsMessages: 0 });
  });

  test('every peer has its bytes, however many there are; a group expects no answers', async () => {
    const { edges, unattributed } = await run('crowd');
    const peers = [1, 2, 3, 4, 5, 6].map((last) => edges[`127.0.1.${last}:9000`]?.sentBytes);
    expect(peers).toEqual([5, 5, 5, 5, 5, 5]);
    expect(edges['224.0.0.251:5353']).toEqual({ ...NONE, sumNs: 0, sentBytes: 10 });
    expect(unattributed).toEqual(NOTHING_LOST);
  });
});

test('nothing is counted if it is switched off', () =>
  withSandbox(async (sandbox) => {
    const own = BpfObject.open(defaultObjectPath(), { constants: { track_udp: 0 } });
    try {
      for (const name of own.programs) own.attach(name);
      await sandbox.run(sandbox.cgroup, program, { scenario: 'exchange' });
      expect([own.map('udp').readSums().count, own.map('udp_edges').readSums().count]).toEqual([0, 0]);
    } finally {
      own.close();
    }
  }));
