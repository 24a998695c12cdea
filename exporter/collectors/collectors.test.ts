import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { parsePeerAddress, type PeerAddress } from '../identity/peers/addresses.ts';
import { decodeFamilies } from '../testdata/metric-families.ts';
import { ProtobufExposition } from '../scrape/protobuf-exposition.ts';
import { FirstScrapes } from '../scrape/first-scrapes.ts';
import { TextExposition } from '../scrape/text-exposition.ts';
import { CGROUP_COUNTER_SERIES, durations, Kernel } from '../testdata/kernel.ts';
import { target } from '../testdata/tree.ts';

const GOLDEN = new URL('../testdata/metrics.golden.txt', import.meta.url);
const CLIENT = 1;
const SERVER = 2;
const CONNECT = 9;
const LIFETIME = 33;
const UNSEEN_BYTES = 85;

let kernel: Kernel;
afterEach(() => kernel.close());

const address = (text: string): PeerAddress => parsePeerAddress(text) as PeerAddress;

/** A front end that sends requests to a cart with two leaf cgroups and to external peers. */
function shop(limits: ConstructorParameters<typeof Kernel>[0] = {}) {
  kernel = new Kernel(limits);
  const front = kernel.tree.seen('/front-1');
  const cartA = kernel.tree.seen('/cart-1/a');
  const cartB = kernel.tree.seen('/cart-1/b');
  kernel.tree.source.targets = [
    target({ service: 'front', pod: 'front-1', cgroup: '/front-1' }),
    target({ addresses: [address('10.0.0.5'), address('fd00::5')] }),
  ];
  return { front, cartA, cartB };
}

describe('all collectors', () => {
  it('write the content of the golden file, which promtool accepts', async () => {
    const { front, cartA, cartB } = shop();
    kernel.tree.source.targets = [
      ...kernel.tree.source.targets,
      target({ service: 'quiet "one"', pod: 'q\\1', cgroup: '/quiet', monitored: false, workloadKind: 'DaemonSet' }),
    ];
    kernel.tree.make('/quiet');
    kernel.countRequests(front, CLIENT, durations(0, 6, 10, 15_000_000));
    kernel.countRequests(cartA, SERVER, { ...durations(0, 5, 6, 5_000_000), 26: 1_500_000 });
    kernel.countRequests(cartB, SERVER, durations(0, 22, 4, 160_000_000_000));
    kernel.countResponses(front, CLIENT, { 0: 1, 1: 7, 3: 2 });
    kernel.countResponses(cartA, SERVER, { 1: 5 });
    kernel.countResponses(cartB, SERVER, { 2: 1, 4: 3 });
    kernel.countGrpc(cartA, SERVER, { 0: 4, 14: 1 });
    kernel.countPortProtocol(cartA, 8080, 2, 3);
    kernel.countPortProtocol(cartB, 8080, 2, 1);
    kernel.countPortProtocol(cartB, 9000, 4, 1);
    kernel.countEdgeProtocol(front, '10.0.0.5', 8080, 2, 2);
    kernel.countEdgeProtocol(front, 'fd00::5', 8080, 2, 1);
    kernel.countEdgeProtocol(front, '192.0.2.7', 443, 5, 1);
    kernel.countTcp(front, CLIENT, { 0: 3, 1: 1, 2: 1000, 3: 20_000, 4: 2, 7: 1, ...durations(CONNECT, 1, 3, 70_000) });
    kernel.countTcp(front, CLIENT, durations(LIFETIME, 16, 1, 1_500_000_000));
    kernel.countTcp(cartA, SERVER, { 0: 2, 1: 1, 2: 12_000, 3: 600 });
    kernel.countTcp(cartB, SERVER, { 0: 1, 2: 8000, 3: 400 });
    kernel.countEdge(front, '10.0.0.5', 8080, {
      ...durations(0, 6, 9, 14_000_000),
      24: 900,
      25: 18_000,
      31: 9,
      32: 2,
      34: 4e6,
    });
    kernel.countEdge(front, 'fd00::5', 8080, { ...durations(0, 6, 1, 1_000_000), 24: 100, 25: 2000 });
    kernel.countEdge(front, '192.0.2.7', 443, { 26: 3 });
    kernel.countTcp(front, CLIENT, { ...durations(57, 2, 3, 150_000), 81: 4, 82: 1, 83: 2, 84: 1 });
    kernel.countTcp(cartA, SERVER, { 81: 5, 82: 3 });
    kernel.countUdp(front, CLIENT, { 0: 13, 1: 11, 2: 500, 3: 900 });
    kernel.countUdp(cartA, SERVER, { 0: 1, 1: 2, 2: 60, 3: 30 });
    kernel.countUdpEdge(front, '10.0.0.5', 53, { ...durations(0, 7, 8, 16_000_000), 24: 300, 25: 600, 26: 1 });
    kernel.countUdpEdge(front, '192.0.2.8', 443, { ...durations(0, 7, 1, 2_000_000), 24: 200, 25: 300, 28: 4 });
    kernel.countDrops(cartA, 8080, 7);
    kernel.listening = [
      { cgroup: cartA, port: 8080, length: 3, limit: 128 },
      { cgroup: cartB, port: 8080, length: 1, limit: 128 },
    ];
    kernel.countOf('page_faults', front, { 0: 12_345 });
    kernel.countOf('page_faults', cartB, { 0: 1 });
    kernel.countOf('block_requests', cartA, { 0: 17 });
    kernel.countOf('process_events', cartA, { 0: 5, 1: 4, 2: 3, 3: 1 });
    kernel.countOf('syscalls', front, { 0: 1e6, 1: 40, 2: 300 });
    const text = await kernel.text();
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(GOLDEN, text);
    expect(text).toBe(readFileSync(GOLDEN, 'utf8'));
    const lint = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([lint.status, lint.stdout, lint.stderr]).toEqual([0, '', '']);

    const protobuf = await kernel.scrape(new ProtobufExposition());
    protobuf.end();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const samples = lines.map((line): [string, number] => {
      const [, name = '', value = ''] = /^(.*) (\S+)$/.exec(line) ?? [];
      const bound = (_: string, le: string) => `le="${le === '+Inf' ? 'Infinity' : Number(le)}"`;
      return [name.replace(/\ble="([^"]*)"/, bound), Number(value)];
    });
    expect(decodeFamilies(protobuf.bytes()).samples).toEqual(Object.fromEntries(samples));
  });

  it('show zero for every monitored target before anything was counted, and no edges', async () => {
    shop();
    const samples = await kernel.samples('lorikeet_');
    expect(samples['lorikeet_requests_total{namespace="shop",service="cart",pod="cart-1",role="client"}']).toBe(0);
    expect(
      samples['lorikeet_tcp_connect_failures_total{namespace="shop",service="cart",pod="cart-1",reason="timeout"}'],
    ).toBe(0);
    expect(
      samples[
        'lorikeet_tcp_connection_lifetime_seconds_count{namespace="shop",service="front",pod="front-1",role="server"}'
      ],
    ).toBe(0);
    expect(Object.keys(samples).filter((name) => /^lorikeet_(edge|udp)_/.test(name))).toEqual([]);
    // Requests: 2 roles x (2 + 25). Responses: 2 x 5. Connections: 2 x (6 + 2 x 25) + 5 + 2 + 25. Info: 1.
    expect(Object.keys(samples)).toHaveLength(2 * (54 + 10 + 144 + CGROUP_COUNTER_SERIES + 1));
  });

  it('leave out responses of edges where their status is not counted', async () => {
    const { front } = shop({ status: false });
    kernel.countEdge(front, '10.0.0.5', 8080, { 24: 900 });
    expect(await kernel.samples('lorikeet_edge_responses')).toEqual({});
    expect(await kernel.samples('lorikeet_edge_failed')).toEqual({});
  });

  it('leave out bytes where they are not counted', async () => {
    shop({ bytes: false });
    expect(await kernel.samples('lorikeet_tcp_sent_bytes_total')).toEqual({});
    expect(Object.keys(await kernel.samples('lorikeet_tcp_connections_opened_total'))).toHaveLength(4);
  });
});

describe('requests', () => {
  const total = 'lorikeet_requests_total{namespace="shop",service="cart",pod="cart-1",role="server"}';

  it('never go down while their pod lives, and vanish with it', async () => {
    const { cartA, cartB } = shop();
    kernel.countRequests(cartA, SERVER, durations(0, 5, 6, 1));
    kernel.countRequests(cartB, SERVER, durations(0, 5, 4, 1));
    expect((await kernel.samples(total))[total]).toBe(10);
    kernel.tree.remove('/cart-1/a');
    kernel.countRequests(cartA, SERVER, durations(0, 5, 1, 1));
    for (kernel.now of [1000, 7000, 13_000]) expect((await kernel.samples(total))[total]).toBe(11);
    expect(kernel.services.rows.size).toBe(1);
    kernel.countRequests(cartB, SERVER, durations(0, 5, 1, 1));
    // An orphaned socket of the vanished cgroup counts once more.
    kernel.countRequests(cartA, SERVER, durations(0, 5, 1, 1));
    expect((await kernel.samples(total))[total]).toBe(13);
    kernel.tree.remove('/cart-1');
    expect(await kernel.samples('lorikeet_requests_total{namespace="shop",service="cart"')).toEqual({});
    expect(Object.keys(await kernel.samples('lorikeet_requests_total'))).toHaveLength(2);
  });

  it('of a target that becomes known late are complete', async () => {
    const { cartA } = shop();
    const { targets } = kernel.tree.source;
    kernel.tree.source.targets = [];
    kernel.countRequests(cartA, SERVER, durations(0, 5, 6, 1));
    expect(await kernel.samples('lorikeet_requests_total')).toEqual({});
    kernel.tree.source.targets = targets;
    expect((await kernel.samples(total))[total]).toBe(6);
  });
});

describe('connections', () => {
  const active = 'lorikeet_tcp_connections_active{namespace="shop",service="cart",pod="cart-1",role="server"}';

  it('count open connections, also after a rename of the target', async () => {
    const { cartA, cartB } = shop();
    const { targets } = kernel.tree.source;
    kernel.countTcp(cartA, SERVER, { 0: 5, 1: 2 });
    kernel.countTcp(cartB, SERVER, { 0: 1 });
    expect((await kernel.samples(active))[active]).toBe(4);
    kernel.tree.source.targets = [];
    expect(await kernel.samples(active)).toEqual({});
    expect(kernel.unattributed).toBe(4);
    kernel.tree.source.targets = targets;
    kernel.countTcp(cartA, SERVER, { 1: 1 });
    expect((await kernel.samples(active))[active]).toBe(3);
    expect(kernel.unattributed).toBe(0);
  });

  it('of unknown cgroups are counted as unattributed, those of unmonitored targets are not', async () => {
    shop();
    const stranger = kernel.tree.seen('/system/ssh');
    const quiet = kernel.tree.seen('/quiet');
    kernel.tree.source.targets = [target({ service: 'quiet', cgroup: '/quiet', monitored: false })];
    kernel.countTcp(stranger, SERVER, { 0: 7, 1: 5 });
    kernel.countTcp(quiet, SERVER, { 0: 3 });
    expect(await kernel.samples('lorikeet_tcp')).toEqual({});
    expect(kernel.unattributed).toBe(2);
  });

  it('include bytes that were read without a receive call', async () => {
    const { cartA } = shop();
    const received = 'lorikeet_tcp_received_bytes_total{namespace="shop",service="cart",pod="cart-1",role="server"}';
    kernel.countTcp(cartA, SERVER, { 3: 100, [UNSEEN_BYTES]: 23 });
    expect((await kernel.samples(received))[received]).toBe(123);
  });
});

describe('counters of a cgroup', () => {
  const pod = '{namespace="shop",service="cart",pod="cart-1"';
  const event = (name: string): string => `lorikeet_container_process_events_total${pod},event="${name}"}`;

  it('keep the counts of short-lived cgroups of a pod, and vanish with the pod', async () => {
    const { cartA, cartB } = shop();
    kernel.countOf('process_events', cartA, { 0: 2, 1: 1 });
    await kernel.text();
    kernel.tree.remove('/cart-1/a');
    // Processes leave their cgroup before it can be removed, but a zombie's row may be read a scrape later.
    kernel.countOf('process_events', cartA, { 2: 2, 3: 1 });
    kernel.countOf('process_events', cartB, { 0: 10 });
    const counts = { [event('fork')]: 12, [event('exec')]: 1, [event('exit')]: 2, [event('oom_kill')]: 1 };
    const cart = `lorikeet_container_process_events_total${pod}`;
    for (kernel.now of [1000, 7000, 13_000]) expect(await kernel.samples(cart)).toEqual(counts);
    expect(kernel.cgroupCounter('process_events').rows.size).toBe(1);
    kernel.tree.remove('/cart-1');
    expect(await kernel.samples(cart)).toEqual({});
    expect(Object.keys(await kernel.samples('lorikeet_container_'))).toHaveLength(CGROUP_COUNTER_SERIES);
  });

  it('each export their own words', async () => {
    const { cartA } = shop();
    kernel.countOf('syscalls', cartA, { 0: 100, 1: 20, 2: 3 });
    kernel.countOf('page_faults', cartA, { 0: 50 });
    kernel.countOf('block_requests', cartA, { 0: 6 });
    const samples = await kernel.samples('lorikeet_container_');
    const value = (name: string): number | undefined => samples[`lorikeet_container_${name}_total${pod}}`];
    expect(['syscalls', 'mmap_calls', 'file_opens', 'page_faults', 'block_requests'].map(value)).toEqual([
      100, 20, 3, 50, 6,
    ]);
  });

  it('of unknown cgroups are not exported', async () => {
    shop();
    kernel.countOf('page_faults', kernel.tree.seen('/system/ssh'), { 0: 9 });
    const values = Object.values(await kernel.samples('lorikeet_container_'));
    expect(values).toEqual(Array.from({ length: 2 * CGROUP_COUNTER_SERIES }, () => 0));
  });
});

describe('accept queues', () => {
  const labels = (port: number | string): string => `{namespace="shop",service="cart",pod="cart-1",port="${port}"}`;
  const length = (port: number | string): string => `lorikeet_tcp_accept_queue_length${labels(port)}`;
  const drops = (port: number | string): string => `lorikeet_tcp_accept_queue_drops_total${labels(port)}`;

  it('sum the listening sockets of a port, and keep its drops after the last one closes', async () => {
    const { cartA, cartB } = shop();
    kernel.countDrops(cartA, 80, 2);
    kernel.countDrops(cartB, 80, 3);
    kernel.listening = [
      { cgroup: cartA, port: 80, length: 1, limit: 10 },
      { cgroup: cartB, port: 80, length: 2, limit: 20 },
    ];
    expect(await kernel.samples('lorikeet_tcp_accept')).toEqual({
      [length(80)]: 3,
      [`lorikeet_tcp_accept_queue_limit${labels(80)}`]: 30,
      [drops(80)]: 5,
    });
    kernel.listening = [];
    expect(await kernel.samples('lorikeet_tcp_accept')).toEqual({ [drops(80)]: 5 });
    kernel.tree.remove('/cart-1');
    expect(await kernel.samples('lorikeet_tcp_accept')).toEqual({});
  });

  it('beyond the limit of ports are combined, and each port is reported once', async () => {
    const { cartA } = shop({ maxPorts: 2 });
    const stranger = kernel.tree.seen('/system/ssh');
    const ports = [80, 81, 82, 83];
    for (const port of ports) kernel.countDrops(cartA, port, 1);
    kernel.countDrops(stranger, 22, 1);
    kernel.listening = [...ports, 22].map((port) => ({
      cgroup: port === 22 ? stranger : cartA,
      port,
      length: 1,
      limit: 5,
    }));
    const expected = { [length(80)]: 1, [length(81)]: 1, [length('other')]: 2 };
    for (let scrape = 0; scrape < 3; scrape++) {
      expect(await kernel.samples('lorikeet_tcp_accept_queue_length')).toEqual(expected);
      expect((await kernel.samples(drops('other')))[drops('other')]).toBe(2);
      expect(kernel.portCuts).toBe(2);
      kernel.tree.source.targets = [...kernel.tree.source.targets];
    }
  });
});

describe('edges', () => {
  const edge = (server: string, port: string, namespace = 'external'): string =>
    'lorikeet_edge_sent_bytes_total{client_namespace="shop",client_service="front",' +
    `server_namespace="${namespace}",server_service="${server}",server_port="${port}"}`;
  const SENT = { 24: 1 };

  it('sum all instances of a service and outlive each of them', async () => {
    const { front } = shop();
    const second = kernel.tree.seen('/front-2');
    kernel.tree.source.targets = [
      ...kernel.tree.source.targets,
      target({ service: 'front', pod: 'front-2', cgroup: '/front-2' }),
    ];
    kernel.countEdge(front, '10.0.0.5', 80, SENT);
    kernel.countEdge(second, '10.0.0.5', 80, SENT);
    const cart = edge('cart', '80', 'shop');
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({ [cart]: 2 });
    kernel.tree.remove('/front-2');
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({ [cart]: 2 });
    kernel.tree.remove('/front-1');
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({});
  });

  it('stay with their service when an address gets another owner', async () => {
    const { front } = shop();
    kernel.countEdge(front, '10.0.0.5', 80, SENT);
    await kernel.text();
    kernel.tree.source.targets = kernel.tree.source.targets.map((known) =>
      known.service === 'cart' ? { ...known, addresses: [] } : known,
    );
    kernel.countEdge(front, '10.0.0.5', 80, SENT);
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({
      [edge('cart', '80', 'shop')]: 1,
      [edge('10.0.0.5', '80')]: 1,
    });
  });

  it('wait while their server has no name of its own yet', async () => {
    const { front } = shop();
    let peer = { namespace: 'shop', service: 'service/stock', pending: true };
    Object.assign(kernel.tree.source, { peer: () => peer });
    kernel.countEdge(front, '10.96.0.1', 80, SENT);
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({});
    kernel.countEdge(front, '10.96.0.1', 80, SENT);
    peer = { namespace: 'shop', service: 'stock', pending: false };
    kernel.tree.source.targets = [...kernel.tree.source.targets];
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({ [edge('stock', '80', 'shop')]: 2 });
  });

  it('to external peers have names up to the limit, the others are combined', async () => {
    const { front } = shop({ maxExternalNames: 1 });
    for (const last of [1, 2, 3]) kernel.countEdge(front, `192.0.2.${last}`, 443, SENT);
    const expected = { [edge('192.0.2.1', '443')]: 1, [edge('other', 'other')]: 2 };
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual(expected);
    expect(kernel.cuts).toBe(2);
    kernel.tree.source.targets = [...kernel.tree.source.targets];
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual(expected);
    expect(kernel.cuts).toBe(2);
  });

  it('beyond the limit lose their ports, not their service', async () => {
    const { front } = shop({ maxEdges: 2 });
    kernel.countEdge(front, '10.0.0.5', 80, SENT);
    kernel.countEdge(front, '192.0.2.1', 443, SENT);
    kernel.countEdge(front, '10.0.0.5', 81, SENT);
    kernel.countEdge(front, '10.0.0.5', 82, SENT);
    kernel.countEdge(front, '192.0.2.2', 443, SENT);
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({
      [edge('cart', '80', 'shop')]: 1,
      [edge('192.0.2.1', '443')]: 1,
      [edge('cart', 'other', 'shop')]: 2,
      [edge('other', 'other')]: 1,
    });
    expect(kernel.cuts).toBe(3);
  });

  it('to the loopback belong to the service that listens in the same network namespace', async () => {
    const { front, cartA } = shop();
    const sent = (to: string, port: number, netns: number): void => kernel.countEdge(front, to, port, SENT, netns);
    kernel.loopback.update([
      { cgroup: cartA, port: 80, netns: 1 },
      { cgroup: front, port: 80, netns: 2 },
      { cgroup: cartA, port: 80, netns: 2 },
      { cgroup: 99n, port: 81, netns: 1 },
    ]);
    sent('127.0.0.1', 80, 1);
    // Several listen: the client's own service.
    sent('::1', 80, 2);
    // Nobody known listens.
    sent('127.0.0.1', 81, 1);
    sent('127.0.0.1', 82, 1);
    const before = {
      [edge('cart', '80', 'shop')]: 1,
      [edge('front', '80', 'shop')]: 1,
      [edge('localhost', '81')]: 1,
      [edge('localhost', '82')]: 1,
    };
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual(before);
    // Later counts belong to who listens by then; after its end, they stay there.
    kernel.loopback.update([{ cgroup: cartA, port: 82, netns: 1 }]);
    sent('127.0.0.1', 80, 1);
    sent('127.0.0.1', 82, 1);
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({
      ...before,
      [edge('cart', '80', 'shop')]: 2,
      [edge('cart', '82', 'shop')]: 1,
    });
  });

  it('to the loopback have their protocols and their UDP datagrams there as well', async () => {
    const { front, cartA } = shop();
    kernel.loopback.update([{ cgroup: cartA, port: 80, netns: 1 }]);
    kernel.countEdge(front, '127.0.0.1', 80, SENT, 1);
    kernel.countEdgeProtocol(front, '127.0.0.1', 80, 2, 3, 1);
    kernel.countUdpEdge(front, '127.0.0.1', 80, SENT, 1);
    const labels = edge('cart', '80', 'shop').replace('lorikeet_edge_sent_bytes_total', '');
    expect(await kernel.samples('lorikeet_edge_connections')).toEqual({
      [`lorikeet_edge_connections_total${labels.replace('}', ',protocol="http1"}')}`]: 3,
    });
    expect(await kernel.samples('lorikeet_udp_edge_sent')).toEqual({
      [`lorikeet_udp_edge_sent_bytes_total${labels}`]: 1,
    });
  });

  it('wait for their scraper after the cgroup of their only instance is gone', async () => {
    const { front } = shop();
    kernel.countEdge(front, '10.0.0.5', 80, SENT);
    const scrapes = new FirstScrapes();
    const scrape = async (): Promise<string[]> => {
      const view = scrapes.begin('prometheus', kernel.now);
      const out = new TextExposition();
      out.begin('text', view);
      await kernel.scrape(out);
      view.finish();
      return out
        .toString()
        .split('\n')
        .filter((line) => line.startsWith('lorikeet_edge_sent'));
    };
    expect(await scrape()).toEqual([`${edge('cart', '80', 'shop')} 0`]);
    kernel.tree.remove('/front-1');
    expect(await scrape()).toEqual([`${edge('cart', '80', 'shop')} 1`]);
    expect(await scrape()).toEqual([]);
  });

  it('go on when the only instance of their service is made again', async () => {
    const { front } = shop();
    kernel.countEdge(front, '10.0.0.5', 80, SENT);
    await kernel.text();
    kernel.tree.move('/front-1', '/gone');
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({});
    const again = kernel.tree.seen('/front-1');
    kernel.countEdge(again, '10.0.0.5', 80, SENT);
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({ [edge('cart', '80', 'shop')]: 2 });
  });

  it('unchanged for an hour leave the kernel map, and their counts stay', async () => {
    const { front } = shop();
    kernel.countEdge(front, '10.0.0.5', 80, SENT);
    await kernel.text();
    kernel.now = 3_600_000;
    await kernel.text();
    expect(kernel.edges.rows.size).toBe(0);
    kernel.countEdge(front, '10.0.0.5', 80, SENT);
    expect(await kernel.samples('lorikeet_edge_sent')).toEqual({ [edge('cart', '80', 'shop')]: 2 });
  });
});

describe('UDP', () => {
  const EDGE = 'client_namespace="shop",client_service="front"';
  const COUNT = 'lorikeet_udp_edge_request_duration_seconds_count';
  const REQUESTS = 'lorikeet_udp_edge_requests_total';
  const UNANSWERED = 'lorikeet_udp_edge_unanswered_requests_total';
  const SENT = 24;
  const UNANSWERED_WORD = 26;
  const OVERLAPPING = 27;
  const UNEXPECTED = 28;
  const external = (port: number) =>
    `{${EDGE},server_namespace="external",server_service="192.0.2.1",server_port="${port}"}`;

  /** The series of requests of an edge at a port, by family; the bytes are there in any case. */
  async function requestsOf(port: number, words: Record<number, number>): Promise<Record<string, number>> {
    const { front } = shop();
    kernel.countUdpEdge(front, '192.0.2.1', port, { [SENT]: 7, ...words });
    const samples = await kernel.samples('lorikeet_udp_edge_');
    expect(samples[`lorikeet_udp_edge_sent_bytes_total${external(port)}`]).toBe(7);
    expect(kernel.expired).toBe(1);
    return Object.fromEntries(
      [REQUESTS, COUNT, UNANSWERED].flatMap((family) => {
        const value = samples[family + external(port)];
        return value === undefined ? [] : [[family, value]];
      }),
    );
  }

  const answered = durations(0, 7, 3, 6_000_000);

  it.each([
    ['DNS queries', 53, answered, { [REQUESTS]: 3, [COUNT]: 3, [UNANSWERED]: 0 }],
    ['DNS queries that nobody answers', 53, { [UNANSWERED_WORD]: 2 }, { [REQUESTS]: 0, [COUNT]: 0, [UNANSWERED]: 2 }],
    ['one answer for each request', 123, answered, { [REQUESTS]: 3, [COUNT]: 3, [UNANSWERED]: 0 }],
    [
      'answers that come after a repetition',
      123,
      { ...answered, [UNANSWERED_WORD]: 1, [UNEXPECTED]: 1 },
      { [REQUESTS]: 3, [COUNT]: 3, [UNANSWERED]: 1 },
    ],
    ['a sender without answers', 8125, { [UNANSWERED_WORD]: 5 }, {}],
    ['overlapping requests', 123, { ...answered, [OVERLAPPING]: 1 }, {}],
    ['more answers than requests', 443, { ...answered, [UNEXPECTED]: 1 }, {}],
  ])('%s', async (_what, port, words, expected) => {
    expect(await requestsOf(port, words)).toEqual(expected);
  });

  it('datagrams are exported for the roles that have any', async () => {
    const { front, cartA } = shop();
    kernel.countUdp(front, CLIENT, { 0: 3, 2: 90 });
    kernel.countUdp(cartA, SERVER, { 1: 2, 3: 80 });
    const samples = await kernel.samples('lorikeet_udp_sent_datagrams_total');
    const of = (service: string, role: string) =>
      `lorikeet_udp_sent_datagrams_total{namespace="shop",service="${service}",pod="${service}-1",role="${role}"}`;
    expect(samples).toEqual({ [of('front', 'client')]: 3, [of('cart', 'server')]: 0 });
  });
});
