import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, get as httpGet } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';
import { COLLECTORS } from '../../exporter/collectors/all.ts';
import { cgroupsOf, mapId } from './kernel-maps.ts';
import { bundleExporter, type Bundle, type Exporter } from './program.ts';
import { CART, edge, entry, of, role, serve, shopTargets, withShop, writeTargets } from './shop.ts';

interface Moved {
  readonly sent: number;
  readonly received: number;
  readonly requests: number;
  readonly connections: number;
}

/** The collectors of counters by cgroup that are enabled by default. */
const COUNTERS = COLLECTORS.filter(
  ({ families, offBecause }) => families !== undefined && offBecause === undefined,
).map(({ name }) => name);

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-exporter-test-'));
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

/** Waits until `service` has closed as many connections as it opened: the close may complete a moment later. */
async function settled(exporter: Exporter, opened: Readonly<Record<string, number>>): Promise<void> {
  await vi.waitFor(
    async () => {
      const closed = await exporter.samples('lorikeet_tcp_connections_closed_total');
      for (const [labels, count] of Object.entries(opened)) {
        expect(closed[`lorikeet_tcp_connections_closed_total${labels}`]).toBe(count);
      }
    },
    { timeout: 10_000 },
  );
}

function lint(text: string): unknown {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  return { status, stdout, stderr };
}
const SILENT = { status: 0, stdout: '', stderr: '' };

describe('lorikeet-exporter', () => {
  test('exports the exact activity of two services', () =>
    withShop(async (front, cart) => {
      const path = join(folder, 'exact.yaml');
      writeTargets(path, shopTargets(front, cart));
      const exporter = await bundle.start(`--targets.file=${path}`, '--external.max-names=1');
      const [leafA, leafB] = [cart.childCgroup('a'), cart.childCgroup('b')];

      const zeros = await exporter.samples('lorikeet_');
      expect(zeros[`lorikeet_requests_total${role('cart', 'server')}`]).toBe(0);
      expect(zeros[`lorikeet_request_duration_seconds_bucket${of('cart', ',role="server",le="+Inf"')}`]).toBe(0);
      expect(Object.keys(zeros).filter((name) => name.startsWith('lorikeet_edge_'))).toEqual([]);

      const a = await serve(cart, leafA, '0.0.0.0');
      const b = await serve(cart, leafB, '::');
      const ask = (host: string, port: number, options: object): Promise<Moved> =>
        front.run(front.cgroup, 'http-client.mjs', { host, port, ...options }) as Promise<Moved>;
      const toA = await ask(CART.ipv4, a.port, { single: 23, kept: 3, bodyBytes: 10 });
      const toB = await ask(CART.ipv6, b.port, { single: 4, kept: 1 });
      const toFirst = await ask(CART.unlisted[0], a.port, { single: 2 });
      // One name is left, for the first peer in a scrape.
      await exporter.samples('lorikeet_edge_');
      const toSecond = await ask(CART.unlisted[1], a.port, { single: 5 });
      const asked = [toA, toB, toFirst, toSecond];
      const sum = (key: keyof Moved): number => asked.reduce((total, moved) => total + moved[key], 0);
      expect([sum('requests'), sum('connections')]).toEqual([38, 36]);
      const free = await serve(cart, leafA, '0.0.0.0');
      await free.stop();
      expect(await front.run(front.cgroup, 'connect.mjs', { host: CART.ipv4, port: free.port, count: 2 })).toEqual([
        'ECONNREFUSED',
        'ECONNREFUSED',
      ]);
      await settled(exporter, { [role('front', 'client')]: 36, [role('cart', 'server')]: 36 });

      const samples = await exporter.samples('lorikeet_');
      const value = (name: string, labels: string): number | undefined => samples[`lorikeet_${name}${labels}`];
      for (const [service, name] of [
        ['front', 'client'],
        ['cart', 'server'],
      ] as const) {
        const labels = role(service, name);
        expect(value('requests_total', labels)).toBe(38);
        expect(value('request_duration_seconds_count', labels)).toBe(38);
        expect(value('request_duration_seconds_bucket', of(service, `,role="${name}",le="+Inf"`))).toBe(38);
        expect(value('request_duration_seconds_sum', labels)).toBeGreaterThan(0);
        expect(value('tcp_connections_opened_total', labels)).toBe(36);
        expect(value('tcp_connections_active', labels)).toBe(0);
        expect(value('tcp_connection_lifetime_seconds_count', labels)).toBe(36);
        const other = role(service, name === 'client' ? 'server' : 'client');
        expect(value('requests_total', other)).toBe(0);
        expect(value('tcp_connections_opened_total', other)).toBe(0);
        expect(value('container_cpu_seconds_total', of(service, ''))).toBeGreaterThan(0);
        expect(value('container_memory_bytes', of(service, ''))).toBeGreaterThanOrEqual(0);
      }
      expect(value('container_memory_bytes', of('cart', ''))).toBeGreaterThan(20_000_000);
      expect(value('tcp_sent_bytes_total', role('front', 'client'))).toBe(sum('sent'));
      expect(value('tcp_received_bytes_total', role('front', 'client'))).toBe(sum('received'));
      expect(value('tcp_sent_bytes_total', role('cart', 'server'))).toBe(sum('received'));
      expect(value('tcp_connect_duration_seconds_count', role('front', 'client'))).toBe(36);
      expect(value('tcp_connect_failures_total', of('front', ',reason="refused"'))).toBe(2);
      expect(value('tcp_connect_failures_total', of('front', ',reason="timeout"'))).toBe(0);

      const edges = (name: string): Record<string, number> =>
        Object.fromEntries(Object.entries(samples).filter(([line]) => line.startsWith(`lorikeet_edge_${name}`)));
      const requests = 'lorikeet_edge_requests_total';
      expect(edges('requests_total')).toEqual({
        [requests + edge('shop', 'cart', a.port)]: 26,
        [requests + edge('shop', 'cart', b.port)]: 5,
        [requests + edge('external', CART.unlisted[0], 'other')]: 2,
        [requests + edge('external', 'other', 'other')]: 5,
        [requests + edge('shop', 'cart', free.port)]: 0,
      });
      expect(value('edge_sent_bytes_total', edge('shop', 'cart', a.port))).toBe(toA.sent);
      expect(value('edge_received_bytes_total', edge('shop', 'cart', b.port))).toBe(toB.received);
      expect(value('edge_connect_failures_total', edge('shop', 'cart', free.port))).toBe(2);
      expect(value('edge_request_duration_seconds_count', edge('shop', 'cart', a.port))).toBe(26);

      expect(value('exporter_external_peers_cut_total', '')).toBe(1);
      expect(value('exporter_series', '')).toBe(
        Object.keys(samples).filter((name) => !name.startsWith('lorikeet_exporter_')).length,
      );
      for (const { name } of COLLECTORS.filter(({ offBecause }) => offBecause === undefined))
        expect(value('exporter_collector_success', `{collector="${name}"}`), name).toBe(1);
      for (const part of ['targets', 'maps']) expect(value('exporter_scrape_part_success', `{part="${part}"}`)).toBe(1);
      expect(value('exporter_bpf_map_entries', '{map="edges"}')).toBeGreaterThanOrEqual(5);
      expect(value('exporter_lost_events_total', '{map="edges"}')).toBe(0);
      expect(Object.keys(samples).filter((name) => name.startsWith('lorikeet_target_info'))).toHaveLength(2);
      expect(lint((await exporter.get('/metrics')).text)).toEqual(SILENT);
      await Promise.all([a.stop(), b.stop()]);
      await exporter.stop();
    }));

  test(
    'adopts connections older than itself, and exports samples and queues of all',
    () =>
      withShop(async (front, cart) => {
        const path = join(folder, 'older.yaml');
        writeTargets(path, shopTargets(front, cart));
        const server = await serve(cart, cart.cgroup, '0.0.0.0');
        const held = await front.start(front.cgroup, 'closing/hold.mjs', { host: '127.0.0.1', count: 4 });
        const exporter = await bundle.start(`--targets.file=${path}`);
        const values = async (): Promise<(name: string, labels: string) => number | undefined> => {
          const samples = await exporter.samples('lorikeet_tcp_');
          return (name, labels) => samples[`lorikeet_tcp_${name}${labels}`];
        };
        const first = await values();
        for (const name of ['client', 'server']) {
          const labels = role('front', name);
          expect(first('connections_active', labels)).toBe(4);
          expect(first('connections_opened_total', labels)).toBe(0);
          expect(first('round_trip_seconds_count', labels)).toBe(0);
        }
        const { sent } = (await held.ask('ask')) as { sent: number };
        await front.run(front.cgroup, 'http-client.mjs', { host: CART.ipv4, port: server.port, single: 2 });
        const third = await values();
        for (const name of ['client', 'server']) {
          expect(third('round_trip_seconds_count', role('front', name))).toBe(name === 'client' ? 6 : 4);
        }
        expect(third('received_bytes_total', role('front', 'server'))).toBe(sent);
        const queue = of('cart', `,port="${server.port}"`);
        expect(third('accept_queue_length', queue)).toBe(0);
        expect(third('accept_queue_limit', queue)).toBe(1024);
        expect(third('accept_queue_drops_total', queue)).toBe(0);
        expect(third('resets_total', of('front', ',direction="received"'))).toBe(0);
        await Promise.all([held.stop(), server.stop()]);
        await exporter.stop();
      }),
    60_000,
  );

  test('adopts them when they are used if it cannot see their processes, as in a container', () =>
    withShop(async (front, cart) => {
      const path = join(folder, 'unseen.yaml');
      writeTargets(path, shopTargets(front, cart));
      const held = await front.start(front.cgroup, 'closing/hold.mjs', { host: '127.0.0.1', count: 4 });
      const apart = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;
      const exporter = await bundle.startThrough(apart, `--targets.file=${path}`);
      const active = async (): Promise<readonly (number | undefined)[]> => {
        const samples = await exporter.samples('lorikeet_tcp_connections_active');
        return ['client', 'server'].map((name) => samples[`lorikeet_tcp_connections_active${role('front', name)}`]);
      };
      expect(await active()).toEqual([0, 0]);
      await held.ask('ask');
      expect(await active()).toEqual([4, 4]);
      const requests = await exporter.samples('lorikeet_requests_total');
      for (const name of ['client', 'server'])
        expect(requests[`lorikeet_requests_total${role('front', name)}`]).toBe(4);
      await held.stop();
      await vi.waitFor(async () => expect(await active()).toEqual([0, 0]), { timeout: 10_000 });
      // unshare waits for the exporter, but does not forward signals.
      const [program = 0] = readFileSync(`/proc/${exporter.pid}/task/${exporter.pid}/children`, 'latin1')
        .split(' ')
        .map(Number);
      process.kill(program, 'SIGTERM');
      expect(await exporter.exited).toBe(0);
    }));

  test('follows its targets file, and keeps the last valid one', () =>
    withShop(async (front, cart) => {
      const path = join(folder, 'reload.yaml');
      writeTargets(path, shopTargets(front, cart));
      const exporter = await bundle.start(`--targets.file=${path}`, '--web.enable-lifecycle');
      const services = async (): Promise<string[]> =>
        Object.keys(await exporter.samples('lorikeet_target_info')).map(
          (line) => /service="(.*?)"/.exec(line)?.[1] ?? '',
        );
      const reloaded = async (): Promise<number | undefined> => {
        const name = 'lorikeet_exporter_targets_last_reload_successful';
        return (await exporter.samples(name))[name];
      };
      expect(await services()).toEqual(['front', 'cart']);
      writeTargets(path, `targets:\n${entry('basket', cart.cgroup)}`);
      await vi.waitFor(async () => expect(await services()).toEqual(['basket']), { timeout: 10_000 });

      writeTargets(path, 'targets:\n  - {namespace: shop, service: x, colour: red}\n');
      await vi.waitFor(async () => expect(await reloaded()).toBe(0), { timeout: 10_000 });
      expect(await services()).toEqual(['basket']);
      const post = (): Promise<Response> => fetch(`http://${exporter.address}/-/reload`, { method: 'POST' });
      const refused = await post();
      expect([refused.status, await refused.text()]).toEqual([
        500,
        `Reload failed: ${path}: targets[0].colour: unknown key\n`,
      ]);
      exporter.signal('SIGHUP');
      expect(await services()).toEqual(['basket']);
      expect(exporter.log.filter((line) => line.includes('colour: unknown key'))).toHaveLength(1);

      writeTargets(path, shopTargets(front, cart));
      expect((await post()).status).toBe(200);
      expect(await services()).toEqual(['front', 'cart']);
      expect(await reloaded()).toBe(1);
      const loads = (): number => exporter.log.filter((line) => line.includes('msg="targets loaded"')).length;
      const before = loads();
      exporter.signal('SIGHUP');
      await vi.waitFor(() => expect(loads()).toBeGreaterThan(before), { timeout: 10_000 });
      await exporter.stop();
    }));

  test(
    'keeps the counts of vanished cgroups, frees their rows, and drops a vanished pod',
    () =>
      withShop(async (front, cart) => {
        const path = join(folder, 'vanish.yaml');
        const pod = { path: `${front.cgroup.path}-pod`, id: 0n };
        mkdirSync(pod.path);
        try {
          writeTargets(path, `targets:\n${entry('front', pod)}${entry('cart', cart.cgroup, [CART.ipv4])}`);
          // A unique capacity identifies the maps of this exporter.
          const capacity = 2000 + (process.pid % 1000);
          const exporter = await bundle.start(`--targets.file=${path}`, `--bpf.max-edges=${capacity}`);
          const server = await serve(cart, cart.cgroup, '0.0.0.0');
          const brief = { path: join(pod.path, 'brief'), id: 0n };
          const ask = async (count: number): Promise<bigint> => {
            mkdirSync(brief.path);
            const { ino } = statSync(brief.path, { bigint: true });
            await front.run(brief, 'http-client.mjs', { host: CART.ipv4, port: server.port, single: count });
            rmdirSync(brief.path);
            return ino;
          };
          const requests = `lorikeet_requests_total${role('front', 'client')}`;
          const edges = `lorikeet_edge_requests_total${edge('shop', 'cart', server.port)}`;
          const counts = async (): Promise<(number | undefined)[]> => {
            const samples = await exporter.samples('lorikeet_');
            return [samples[requests], samples[edges]];
          };
          const first = await ask(3);
          expect(await counts()).toEqual([3, 3]);
          const second = await ask(4);
          expect(await counts()).toEqual([7, 7]);
          const id = mapId('edges', capacity);
          expect(cgroupsOf(id)).toEqual(expect.arrayContaining([first, second]));
          await vi.waitFor(
            async () => {
              expect(await counts()).toEqual([7, 7]);
              expect(cgroupsOf(id)).not.toContain(first);
              expect(cgroupsOf(id)).not.toContain(second);
            },
            { timeout: 25_000, interval: 500 },
          );
          await ask(1);
          expect(await counts()).toEqual([8, 8]);
          rmdirSync(pod.path);
          expect(await exporter.samples('lorikeet_requests_total{namespace="shop",service="front"')).toEqual({});
          expect(Object.keys(await exporter.samples('lorikeet_target_info'))).toHaveLength(1);
          expect(await exporter.samples('lorikeet_edge_')).toEqual({});
          await server.stop();
          await exporter.stop();
        } finally {
          for (const left of [join(pod.path, 'brief'), pod.path]) if (existsSync(left)) rmdirSync(left);
        }
      }),
    60_000,
  );

  test('takes a pasted path, counts 14 levels below it, and reports a target without a cgroup', () =>
    withShop(async (front, cart) => {
      const levels = Array.from({ length: 14 }, (_, depth) => cart.cgroup.path + '/d'.repeat(depth + 1));
      for (const level of levels) mkdirSync(level);
      try {
        const path = join(folder, 'deep.yaml');
        const later = '{namespace: shop, service: later, cgroup: /lorikeet-later}';
        const pasted = `{namespace: shop, service: cart, pod: cart-1, cgroup: /${cart.cgroup.path}/}`;
        writeTargets(path, `targets:\n  - ${pasted}\n  - ${later}\n`);
        const exporter = await bundle.start(`--targets.file=${path}`);
        const server = await serve(cart, { path: levels.at(-1) ?? '', id: 0n }, '0.0.0.0');
        await front.run(front.cgroup, 'http-client.mjs', { host: CART.ipv4, port: server.port, single: 5 });
        const requests = `lorikeet_requests_total${role('cart', 'server')}`;
        expect(await exporter.samples(requests)).toEqual({ [requests]: 5 });
        const without = 'lorikeet_exporter_targets_without_cgroup';
        expect(await exporter.samples(without)).toEqual({ [without]: 1 });
        expect(exporter.log.filter((line) => line.includes('msg="no cgroup yet"'))).toEqual([
          expect.stringContaining('targets=1 cgroups="shop/later /lorikeet-later"'),
        ]);
        await server.stop();
        await exporter.stop();
      } finally {
        for (const level of levels.reverse()) rmdirSync(level);
      }
    }));

  test('a failing collector only loses its own families, and is logged once', async () => {
    // In the exporter's own mount namespace the cgroup is a folder with a directory in place of a kernel file.
    const parent = join(findCgroupMount(), `lorikeet-broken-${process.pid}`);
    const cgroup = join(parent, 'cart');
    mkdirSync(parent);
    onTestFinished(() => rmdirSync(parent));
    const cover = `mount -t tmpfs none "${parent}" && mkdir -p "${cgroup}/cpu.stat" && exec "$@"`;
    const path = join(folder, 'broken.yaml');
    writeTargets(path, `targets:\n${entry('cart', { path: cgroup, id: 0n })}`);
    const flags = COUNTERS.map((name) => `--no-collector.${name}`);
    const exporter = await bundle.startThrough(
      ['unshare', '--mount', 'sh', '-c', cover, 'sh'],
      `--targets.file=${path}`,
      ...flags,
    );
    for (let scrape = 0; scrape < 3; scrape++) {
      const samples = await exporter.samples('lorikeet_');
      expect(samples['lorikeet_exporter_collector_success{collector="container"}']).toBe(0);
      expect(samples['lorikeet_exporter_collector_success{collector="requests"}']).toBe(1);
      expect(samples[`lorikeet_requests_total${role('cart', 'server')}`]).toBe(0);
      expect(Object.keys(samples).filter((name) => name.startsWith('lorikeet_container_'))).toEqual([]);
    }
    expect(exporter.log.filter((line) => line.includes('collector failed'))).toHaveLength(1);
    expect(lint((await exporter.get('/metrics')).text)).toEqual(SILENT);
    const file = join(`/proc/${exporter.pid}/root`, cgroup, 'cpu.stat');
    rmdirSync(file);
    writeFileSync(file, 'usage_usec 1500000\n');
    const cpu = 'lorikeet_container_cpu_seconds_total';
    expect(await exporter.samples(cpu)).toEqual({ [cpu + of('cart', '')]: 1.5 });
    await exporter.stop();
  });

  test('does not run disabled collectors', async () => {
    const sockets = ['requests', 'protocols', 'connections', 'edges', 'udp', 'accept_queues'];
    const flags = [...sockets, ...COUNTERS].map((name) => `--no-collector.${name}`);
    const exporter = await bundle.start(...flags);
    const success = 'lorikeet_exporter_collector_success';
    expect(Object.keys(await exporter.samples(success))).toEqual(
      ['container', 'target_info'].map((name) => `${success}{collector="${name}"}`),
    );
    expect((await exporter.get('/-/ready')).status).toBe(200);
    expect((await fetch(`http://${exporter.address}/-/reload`, { method: 'POST' })).status).toBe(403);
    await exporter.stop();
  });

  test('ends within five seconds of SIGTERM, even with open connections', async () => {
    const exporter = await bundle.start();
    const agent = new Agent({ keepAlive: true });
    try {
      const [answer] = await once(httpGet(`http://${exporter.address}/-/healthy`, { agent }), 'response');
      answer.resume();
      await once(answer, 'end');
      exporter.signal('SIGTERM');
      const late = new Promise<string>((resolve) => setTimeout(() => resolve('still there'), 5000).unref());
      expect(await Promise.race([exporter.exited, late])).toBe(0);
    } finally {
      agent.destroy();
    }
  });
});

describe('lorikeet-exporter, asked wrongly', () => {
  test('reports a port in use in one line', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = `127.0.0.1:${(other.address() as { port: number }).port}`;
    try {
      const { status, stderr } = bundle.run(`--web.listen-address=${address}`, '--log.level=error');
      expect([status, stderr]).toEqual([1, `lorikeet-exporter: listen ${address}: address in use\n`]);
    } finally {
      other.close();
    }
  });

  test.each([
    ['targets: []\ncolour: red\n', 2, 'colour: unknown key'],
    [
      'targets: [{namespace: a, service: b, cgroup: c}]',
      2,
      'targets[0].cgroup: expected a path below the cgroup2 mount such as /shop.slice/cart, got "c"',
    ],
  ])('rejects the targets file %j', (text, status, message) => {
    const path = join(folder, 'wrong.yaml');
    writeFileSync(path, text);
    for (const flags of [['--config.check'], []]) {
      const result = bundle.run(`--targets.file=${path}`, ...flags);
      expect([result.status, result.stderr.split('\n').slice(-2)]).toEqual([
        status,
        [`lorikeet-exporter: ${path}: ${message}`, ''],
      ]);
    }
  });

  test('checks a valid targets file', () => {
    const path = join(folder, 'good.yaml');
    writeFileSync(path, 'targets: [{namespace: shop, service: cart, cgroup: /shop.slice/cart}]');
    const { status, stdout, stderr } = bundle.run('--config.check', `--targets.file=${path}`);
    expect([status, stdout, stderr]).toEqual([0, `${path}: valid, 1 target\n`, '']);
  });

  test.each([
    [
      ['--version'],
      0,
      /^lorikeet-exporter, version 0\.0\.0-test \(branch: \S+, revision: \S+\)\n {2}node version: /,
      '',
    ],
    [
      ['--web.listen-address=foo'],
      2,
      '',
      'lorikeet-exporter: --web.listen-address: expected [host]:port such as :9400 or [::1]:9400, got "foo"\n',
    ],
    [['--bpf.object=/nowhere.o', '--log.level=error'], 1, '', /^lorikeet-exporter: .*\/nowhere\.o.*\n$/],
  ] as const)('%o', (args, status, stdout, stderr) => {
    const result = bundle.run(...args);
    expect(result.status).toBe(status);
    for (const [text, expected] of [
      [result.stdout, stdout],
      [result.stderr, stderr],
    ] as const) {
      if (typeof expected === 'string') expect(text).toBe(expected);
      else expect(text).toMatch(expected);
    }
  });

  test('reports missing capabilities', () => {
    const without = ['--bounding-set=-sys_admin,-bpf,-perfmon', '--inh-caps=-sys_admin,-bpf,-perfmon', '--'];
    const command = [...without, process.execPath, bundle.program, '--log.level=error'];
    const { status, stderr } = spawnSync('setpriv', command, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([
      1,
      'lorikeet-exporter: missing CAP_BPF and CAP_PERFMON: run as root, or grant them\n',
    ]);
  });
});
