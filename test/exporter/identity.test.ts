import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Cgroup, Sandbox } from '../kernel/sandbox/sandbox.ts';
import { cgroupsOf, mapId } from './kernel-maps.ts';
import { bundleExporter, type Bundle, type Exporter } from './program.ts';
import { CART, edge, entry, FRONT, role, serve, shopTargets, translate, withShop, writeTargets } from './shop.ts';

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-identity-'));
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

/** Runs the exporter with a targets file of these entries. */
async function watching(
  entries: string,
  work: (exporter: Exporter, targets: string) => Promise<void>,
  ...flags: readonly string[]
): Promise<void> {
  const targets = join(mkdtempSync(join(folder, 'targets-')), 'targets.yaml');
  writeTargets(targets, entries);
  const exporter = await bundle.start(`--targets.file=${targets}`, ...flags);
  await work(exporter, targets);
  await exporter.stop();
}

/** Replaces the entries, and waits until the exporter has reloaded them. */
async function replaceTargets(exporter: Exporter, targets: string, entries: string): Promise<void> {
  const loads = (): number => exporter.log.filter((line) => line.includes('msg="targets loaded"')).length;
  const before = loads();
  writeTargets(targets, entries);
  await vi.waitFor(() => expect(loads()).toBeGreaterThan(before), { timeout: 10_000 });
}

/** Sends `count` requests on a connection each. */
const ask = (from: Sandbox, cgroup: Cgroup, host: string, port: number, count: number): Promise<unknown> =>
  from.run(cgroup, 'http-client.mjs', { host, port, single: count });

/** Requests by edge, without edges that have none. */
async function edges(exporter: Exporter): Promise<Record<string, number>> {
  const name = 'lorikeet_edge_requests_total';
  const samples = Object.entries(await exporter.samples(name)).filter(([, count]) => count > 0);
  return Object.fromEntries(samples.map(([line, count]) => [line.slice(name.length), count]));
}

async function requests(exporter: Exporter, service: string): Promise<Record<'client' | 'server', number | undefined>> {
  const name = 'lorikeet_requests_total';
  const samples = await exporter.samples(name);
  return { client: samples[name + role(service, 'client')], server: samples[name + role(service, 'server')] };
}

/** Events for which a map had no row, by map. */
async function lost(exporter: Exporter): Promise<Record<string, number>> {
  const samples = Object.entries(await exporter.samples('lorikeet_exporter_lost_events_total'));
  return Object.fromEntries(samples.map(([line, events]) => [/map="(\w+)"/.exec(line)?.[1] ?? line, events]));
}

test('a service that is both server and client has both roles and edges in the right direction', () =>
  withShop(async (front, cart) => {
    await watching(shopTargets(front, cart), async (exporter) => {
      // The front end sends requests to the cart, and the cart to the front end.
      const backend = await serve(front, front.cgroup, FRONT.ipv4);
      const upstream = { host: FRONT.ipv4, port: backend.port };
      const relay = await cart.start(cart.cgroup, 'relay.mjs', { host: CART.ipv6, upstream });
      const { port } = relay.ready as { port: number };
      await ask(front, front.cgroup, CART.ipv6, port, 9);
      expect(await requests(exporter, 'front')).toEqual({ client: 9, server: 9 });
      expect(await requests(exporter, 'cart')).toEqual({ client: 9, server: 9 });
      expect(await edges(exporter)).toEqual({
        [edge('shop', 'cart', port)]: 9,
        [edge('shop', 'front', backend.port, 'cart')]: 9,
      });
      await relay.stop();
      await backend.stop();
    });
  }));

test('pods in the network of their node are identified by their cgroups, and as peers by the node’s address', () =>
  withShop(async (node, cart) => {
    const [agent, proxy] = [node.childCgroup('agent'), node.childCgroup('proxy')];
    const [served, named] = [await serve(node, agent, FRONT.ipv4), await serve(node, proxy, FRONT.ipv4)];
    const targets = `targets:\n${entry('agent', agent)}${entry('proxy', proxy, [`${FRONT.ipv4}:${named.port}`])}${entry('cart', cart.cgroup, [CART.ipv4])}`;
    await watching(targets, async (exporter) => {
      const cartServer = await serve(cart, cart.cgroup, CART.ipv4);
      await ask(cart, cart.cgroup, FRONT.ipv4, served.port, 3);
      await ask(cart, cart.cgroup, FRONT.ipv4, named.port, 4);
      await ask(node, agent, CART.ipv4, cartServer.port, 5);
      await ask(node, proxy, FRONT.ipv4, served.port, 6);
      expect(await requests(exporter, 'agent')).toEqual({ client: 5, server: 3 + 6 });
      expect(await requests(exporter, 'proxy')).toEqual({ client: 6, server: 4 });
      expect(await edges(exporter)).toEqual({
        // The agent has no port of the node; the port is ephemeral.
        [edge('external', FRONT.ipv4, 'other', 'cart')]: 3,
        [edge('shop', 'proxy', named.port, 'cart')]: 4,
        [edge('shop', 'cart', cartServer.port, 'agent')]: 5,
        [edge('external', FRONT.ipv4, 'other', 'proxy')]: 6,
      });
      await Promise.all([served.stop(), named.stop(), cartServer.stop()]);
    });
  }));

test('an address that changes its owner counts for the owner at the time of the request', () =>
  withShop(async (front, cart) => {
    const [address] = CART.unlisted;
    const held = (holder: string): string =>
      `targets:\n${entry('front', front.cgroup)}${entry('cart', cart.cgroup, [CART.ipv4])}${entry(holder, undefined, [address])}`;
    await watching(held('old'), async (exporter, targets) => {
      const server = await serve(cart, cart.cgroup, '0.0.0.0');
      await ask(front, front.cgroup, address, server.port, 3);
      // No scrape between the requests and the change.
      await replaceTargets(exporter, targets, held('new'));
      await ask(front, front.cgroup, address, server.port, 5);
      const both = { [edge('shop', 'old', server.port)]: 3, [edge('shop', 'new', server.port)]: 5 };
      expect(await edges(exporter)).toEqual(both);
      await replaceTargets(exporter, targets, held('old'));
      await ask(front, front.cgroup, address, server.port, 2);
      expect(await edges(exporter)).toEqual({ ...both, [edge('shop', 'old', server.port)]: 3 + 2 });
      // The front end's own counts continue.
      expect(await requests(exporter, 'front')).toEqual({ client: 3 + 5 + 2, server: 0 });
      await server.stop();
    });
  }));

test(
  'hundreds of short-lived cgroups below a target count for it, create no series, and leave the maps',
  () =>
    withShop(async (front, cart) => {
      // More than half of the maximum, so that they are removed early.
      const count = 500;
      // Unique capacities identify the maps of this exporter.
      const [services, pairs] = [900 + (process.pid % 90), 4000 + (process.pid % 1000)];
      const capacities = { services: 2 * services, cgroups: services, edges: pairs };
      const come = async (exporter: Exporter): Promise<void> => {
        const server = await serve(cart, cart.cgroup, CART.ipv4);
        const home = front.childCgroup('home');
        const options = { host: CART.ipv4, port: server.port, below: front.cgroup.path, home: home.path };
        await ask(front, home, CART.ipv4, server.port, 1);
        const seriesBefore = Object.keys(await exporter.samples('lorikeet_')).length;
        const ids = new Set(
          ((await front.run(home, 'brief-cgroups.mjs', { ...options, count })) as string[]).map(BigInt),
        );
        expect(ids.size).toBe(count);
        const rows = (): Record<string, number> =>
          Object.fromEntries(
            Object.entries(capacities).map(([map, capacity]) => {
              const known = cgroupsOf(mapId(map, capacity)).filter((id) => ids.has(id));
              return [map, new Set(known).size];
            }),
          );
        // A busy machine may lack memory for a row at that moment: then its events count as lost.
        const counts = async (): Promise<void> => {
          const { client = NaN, server: served } = await requests(exporter, 'front');
          const { [edge('shop', 'cart', server.port)]: called = NaN, ...others } = await edges(exporter);
          expect({ served, others }).toEqual({ served: 0, others: {} });
          const missed = await lost(exporter);
          for (const [counted, map] of [
            [client, 'services'],
            [called, 'edges'],
          ] as const) {
            const missing = (missed[map] ?? NaN) + (missed['cgroups'] ?? NaN);
            expect(counted).toBeLessThanOrEqual(1 + count);
            expect(counted + missing).toBeGreaterThanOrEqual(1 + count);
            expect(missing).toBeLessThan(count / 20);
          }
        };
        // The first ones may have been removed meanwhile: they ended more than five seconds ago.
        expect(Math.min(...Object.values(rows()))).toBeGreaterThan(0);
        await counts();
        expect(Object.keys(await exporter.samples('lorikeet_'))).toHaveLength(seriesBefore);
        await vi.waitFor(
          async () => {
            await counts();
            expect(rows()).toEqual({ services: 0, cgroups: 0, edges: 0 });
          },
          { timeout: 60_000, interval: 1000 },
        );
        await server.stop();
      };
      await watching(shopTargets(front, cart), come, `--bpf.max-services=${services}`, `--bpf.max-edges=${pairs}`);
    }),
  120_000,
);

describe('a virtual address of a service', () => {
  test.each([
    { name: 'IPv4', virtual: '10.96.0.10', connect: '10.96.0.10', real: CART.ipv4, family: 'ip' },
    { name: 'IPv6', virtual: 'fd00:96::10', connect: 'fd00:96::10', real: CART.ipv6, family: 'ip6' },
    { name: 'IPv4-mapped IPv6', virtual: '10.96.0.10', connect: '::ffff:10.96.0.10', real: CART.ipv4, family: 'ip' },
  ])('over $name resolves to the service of the pod', ({ virtual, connect, real, family }) =>
    withShop(async (front, cart) => {
      // The pod is identified by its cgroup, the service by an address that no machine has: DNAT is not visible at the
      // socket.
      const targets = `targets:\n${entry('front', front.cgroup)}${entry('cart', cart.cgroup, [real])}${entry('basket', undefined, [virtual])}`;
      await watching(targets, async (exporter) => {
        const server = await serve(cart, cart.cgroup, '::');
        translate(front, { family, virtual, real, port: server.port });
        await ask(front, front.cgroup, connect, 80, 4);
        expect(await edges(exporter)).toEqual({ [edge('shop', 'basket', 80)]: 4 });
        expect(await requests(exporter, 'cart')).toEqual({ client: 0, server: 4 });
        await server.stop();
      });
    }),
  );
});
