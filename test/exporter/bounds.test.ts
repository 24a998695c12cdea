import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleExporter, type Bundle } from './program.ts';
import { CART, of, serve, shopTargets, withShop, writeTargets } from './shop.ts';

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-bounds-'));
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

// Sockets of other programs take rows in the maps as well, so the tests check minimum losses, not exact ones.

test('edges beyond the size of the map count as lost and have no series', () =>
  withShop(async (front, cart) => {
    const targets = join(folder, 'edges.yaml');
    writeTargets(targets, shopTargets(front, cart));
    const exporter = await bundle.start(`--targets.file=${targets}`, '--bpf.max-edges=3');
    for (let port = 4001; port <= 4008; port++) {
      await front.run(front.cgroup, 'connect.mjs', { host: CART.ipv4, port });
    }
    const samples = await exporter.samples('lorikeet_');
    expect(samples['lorikeet_exporter_bpf_map_capacity{map="edges"}']).toBe(3);
    expect(samples['lorikeet_exporter_bpf_map_entries{map="edges"}']).toBe(3);
    expect(samples['lorikeet_exporter_lost_events_total{map="edges"}']).toBeGreaterThanOrEqual(5);
    const failures = Object.keys(samples).filter((name) => name.startsWith('lorikeet_edge_connect_failures_total'));
    expect(failures.length).toBeLessThanOrEqual(3);
    // Series other than those of edges are complete.
    expect(samples[`lorikeet_tcp_connect_failures_total${of('front', ',reason="refused"')}`]).toBe(8);
    await exporter.stop();
  }));

test('cgroups beyond the size of the maps count as lost', () =>
  withShop(async (front, cart) => {
    const targets = join(folder, 'services.yaml');
    writeTargets(targets, shopTargets(front, cart));
    const exporter = await bundle.start(`--targets.file=${targets}`, '--bpf.max-services=2');
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await front.run(front.childCgroup(name), 'connect.mjs', { host: CART.ipv4, port: 4001 });
    }
    const samples = await exporter.samples('lorikeet_');
    expect(samples['lorikeet_exporter_bpf_map_entries{map="cgroups"}']).toBe(2);
    expect(samples['lorikeet_exporter_lost_events_total{map="cgroups"}']).toBeGreaterThanOrEqual(4);
    // A row for each role: four.
    expect(samples['lorikeet_exporter_bpf_map_entries{map="services"}']).toBe(4);
    expect(samples['lorikeet_exporter_lost_events_total{map="services"}']).toBeGreaterThanOrEqual(2);
    await exporter.stop();
  }));

test('listening ports beyond the limit are combined', () =>
  withShop(async (front, cart) => {
    const targets = join(folder, 'ports.yaml');
    writeTargets(targets, shopTargets(front, cart));
    const exporter = await bundle.start(`--targets.file=${targets}`, '--accept-queues.max-ports=1');
    const servers = [];
    for (let i = 0; i < 4; i++) servers.push(await serve(cart, cart.cgroup, CART.ipv4));
    const samples = await exporter.samples('lorikeet_');
    const limits = Object.entries(samples).filter(([name]) => name.startsWith('lorikeet_tcp_accept_queue_limit'));
    expect(limits.map(([, limit]) => limit).toSorted((a, b) => a - b)).toEqual([1024, 3 * 1024]);
    expect(samples[`lorikeet_tcp_accept_queue_limit${of('cart', ',port="other"')}`]).toBe(3 * 1024);
    expect(samples['lorikeet_exporter_ports_cut_total']).toBe(3);
    await Promise.all(servers.map((server) => server.stop()));
    await exporter.stop();
  }));
