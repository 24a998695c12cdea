import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { compileTraffic } from '../kernel/bpf/compile.ts';
import { withSandbox, type Cgroup, type Sandbox } from '../kernel/sandbox/sandbox.ts';
import { bundleExporter, type Bundle } from './program.ts';
import { CART, edge, entry, of, serve, shopTargets, withShop, writeTargets } from './shop.ts';

let bundle: Bundle;
let folder: string;
let crowd: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-fair-'));
  crowd = compileTraffic('crowd.c', folder);
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

const ask = (from: Sandbox, cgroup: Cgroup, host: string, port: number, count: number): Promise<unknown> =>
  from.run(cgroup, 'http-client.mjs', { host, port, single: count });

const REQUESTS = 'lorikeet_edge_requests_total';

test(
  'a crowd of peers and listening sockets that nobody monitors takes nothing from monitored services',
  () =>
    withShop((front, cart) =>
      withSandbox(async (stranger) => {
        const targets = join(folder, 'crowd.yaml');
        writeTargets(targets, shopTargets(front, cart));
        const exporter = await bundle.start(`--targets.file=${targets}`);
        const running = await stranger.start(stranger.cgroup, crowd, { peers: 20_000, listens: 25_000 });
        for (let round = 1; round <= 3; round++) {
          const server = await serve(cart, cart.cgroup, CART.ipv4);
          await ask(front, front.cgroup, CART.ipv4, server.port, 5);
          const samples = await exporter.samples('lorikeet_');
          expect(samples[REQUESTS + edge('shop', 'cart', server.port)], `round ${round}`).toBe(5);
          expect(samples[`lorikeet_tcp_accept_queue_limit${of('cart', `,port="${server.port}"`)}`]).toBe(1024);
          expect(samples['lorikeet_exporter_bpf_map_entries{map="edges"}']).toBeLessThan(1000);
          expect(samples['lorikeet_exporter_bpf_map_entries{map="accept_queues"}']).toBeLessThan(1000);
          for (const map of ['edges', 'listeners'])
            expect(samples[`lorikeet_exporter_lost_events_total{map="${map}"}`]).toBe(0);
          await server.stop();
        }
        // Once it is known to be nobody's, what it was refused is no loss, and its rows are deleted.
        await vi.waitFor(
          async () => {
            const samples = await exporter.samples('lorikeet_exporter_');
            for (const map of ['edges', 'listeners'])
              expect(samples[`lorikeet_exporter_unmonitored_rows_refused_total{map="${map}"}`]).toBeGreaterThan(15_000);
            for (const map of ['edges', 'accept_queues'])
              expect(samples[`lorikeet_exporter_bpf_map_entries{map="${map}"}`]).toBeLessThan(100);
            expect(samples['lorikeet_exporter_lost_events_total{map="edges"}']).toBe(0);
          },
          { timeout: 20_000, interval: 500 },
        );
        await running.stop();
        await exporter.stop();
      }),
    ),
  60_000,
);

test('a monitored service that scans leaves room for the edges of others', () =>
  withShop(async (front, cart) => {
    const targets = join(folder, 'greedy.yaml');
    const scanner = front.childCgroup('scanner');
    const other = front.childCgroup('other');
    writeTargets(
      targets,
      `targets:\n${entry('scanner', scanner)}${entry('front', other)}${entry('cart', cart.cgroup, [CART.ipv4])}`,
    );
    const exporter = await bundle.start(`--targets.file=${targets}`, '--bpf.max-edges=900');
    const running = await front.start(scanner, crowd, { peers: 2000, listens: 0 });
    const server = await serve(cart, cart.cgroup, CART.ipv4);
    await ask(front, other, CART.ipv4, server.port, 5);
    const samples = await exporter.samples('lorikeet_');
    expect(samples[REQUESTS + edge('shop', 'cart', server.port)]).toBe(5);
    expect(samples['lorikeet_exporter_bpf_map_entries{map="edges"}']).toBeGreaterThan(750);
    // What a monitored service loses is a loss.
    expect(samples['lorikeet_exporter_lost_events_total{map="edges"}']).toBeGreaterThan(1000);
    await running.stop();
    await server.stop();
    await exporter.stop();
  }));

test('a peer on the loopback is the service that listens there, not an external peer', () =>
  withShop(async (front, cart) => {
    const targets = join(folder, 'loopback.yaml');
    const [app, sidecar] = [front.childCgroup('app'), front.childCgroup('sidecar')];
    // Two units on one host share its loopback.
    const [web, store] = [cart.childCgroup('web'), cart.childCgroup('store')];
    writeTargets(targets, `targets:\n${entry('front', front.cgroup)}${entry('web', web)}${entry('store', store)}`);
    const exporter = await bundle.start(`--targets.file=${targets}`, '--external.max-names=1');
    // The same port in two network namespaces.
    const inPod = await serve(front, sidecar, '::1');
    const onHost = await serve(cart, store, '127.0.0.1', inPod.port);
    const nobodys = await serve(cart, cart.cgroup, '127.0.0.1');
    await ask(front, app, '::1', inPod.port, 3);
    await ask(cart, web, '127.0.0.1', onHost.port, 4);
    await ask(cart, web, '127.0.0.1', nobodys.port, 2);
    await cart.run(web, 'connect.mjs', { host: '127.0.0.7', port: 7 });
    await cart.run(web, 'connect.mjs', { host: '127.0.0.8', port: 7 });
    const server = await serve(front, app, '10.231.0.1', 4000);
    await ask(cart, web, '10.231.0.1', server.port, 1);
    const samples = await exporter.samples(REQUESTS);
    expect(samples).toEqual({
      [REQUESTS + edge('shop', 'front', inPod.port)]: 3,
      [REQUESTS + edge('shop', 'store', onHost.port, 'web')]: 4,
      // Nobody monitors who listens there, or nobody listens; neither takes a name from others.
      [REQUESTS + edge('external', 'localhost', 'other', 'web')]: 2,
      [REQUESTS + edge('external', 'localhost', 7, 'web')]: 0,
      [REQUESTS + edge('external', '10.231.0.1', 4000, 'web')]: 1,
    });
    await Promise.all([inPod.stop(), onHost.stop(), nobodys.stop(), server.stop()]);
    await exporter.stop();
  }));
