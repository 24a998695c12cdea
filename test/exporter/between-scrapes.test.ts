import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';
import type { Cgroup, Sandbox } from '../kernel/sandbox/sandbox.ts';
import { bundleExporter, type Bundle, type Exporter } from './program.ts';
import { CART, edge, entry, role, serve, withShop, writeTargets } from './shop.ts';

/** Cgroups that come and go between two scrapes lose nothing. */

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-between-'));
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

const ask = (from: Sandbox, cgroup: Cgroup, port: number, count: number): Promise<unknown> =>
  from.run(cgroup, 'http-client.mjs', { host: CART.ipv4, port, single: count });

/** Runs `work` in a cgroup that exists for just as long. */
async function inCgroup<T>(path: string, work: (cgroup: Cgroup) => Promise<T>): Promise<T> {
  mkdirSync(path);
  try {
    return await work({ path, id: 0n });
  } finally {
    rmdirSync(path);
  }
}

/** Requests of a client, by its own count and by that of its edge, and all lost events. */
async function counts(exporter: Exporter, service: string, port: number): Promise<readonly (number | undefined)[]> {
  const samples = await exporter.samples('lorikeet_');
  const lost = Object.entries(samples).filter(
    ([line]) => line.startsWith('lorikeet_exporter_lost_events_total') && !line.includes('"sockets"'),
  );
  return [
    samples[`lorikeet_requests_total${role(service, 'client')}`],
    samples[`lorikeet_edge_requests_total${edge('shop', 'cart', port, service)}`],
    lost.reduce((sum, [, events]) => sum + events, 0),
  ];
}

/** A cart with a server, and a target for a cgroup that does not exist yet. */
function withUnit(
  service: string,
  work: (parts: { front: Sandbox; exporter: Exporter; port: number; path: string }) => Promise<void>,
  ...flags: readonly string[]
): Promise<void> {
  return withShop(async (front, cart) => {
    const path = join(findCgroupMount(), `${basename(front.cgroup.path)}-${service}`);
    const targets = join(folder, `${service}.yaml`);
    writeTargets(targets, `targets:\n${entry(service, { path, id: 0n })}${entry('cart', cart.cgroup, [CART.ipv4])}`);
    const exporter = await bundle.start(`--targets.file=${targets}`, ...flags);
    const server = await serve(cart, cart.cgroup, CART.ipv4);
    await work({ front, exporter, port: server.port, path });
    await server.stop();
    await exporter.stop();
  });
}

test('the counters of a unit go on when its cgroup is removed and made again', () =>
  withUnit('unit', async ({ front, exporter, port, path }) => {
    await inCgroup(path, (cgroup) => ask(front, cgroup, port, 100));
    await inCgroup(path, async (cgroup) => {
      await ask(front, cgroup, port, 100);
      expect(await counts(exporter, 'unit', port)).toEqual([200, 200, 0]);
      await ask(front, cgroup, port, 50);
    });
    await inCgroup(path, async (cgroup) => {
      await ask(front, cgroup, port, 7);
      expect(await counts(exporter, 'unit', port)).toEqual([257, 257, 0]);
    });
    // And once more after its end: these have not been exported.
    await inCgroup(path, (cgroup) => ask(front, cgroup, port, 3));
    expect(await counts(exporter, 'unit', port)).toEqual([260, 260, 0]);
  }));

test('a job that ends before the next scrape is counted, also in a cgroup of its own below', () =>
  withUnit('job', async ({ front, exporter, port, path }) => {
    expect(await counts(exporter, 'job', port)).toEqual([undefined, undefined, 0]);
    await inCgroup(path, (cgroup) => inCgroup(join(cgroup.path, 'step'), (step) => ask(front, step, port, 10)));
    expect(await counts(exporter, 'job', port)).toEqual([10, 10, 0]);
    // The next scrapes of the same minute see it as well.
    expect(await counts(exporter, 'job', port)).toEqual([10, 10, 0]);
    await inCgroup(path, (cgroup) => ask(front, cgroup, port, 1));
    expect(await counts(exporter, 'job', port)).toEqual([11, 11, 0]);
  }));

const MANY = 2000;
const LANES = 4;

test(
  `${MANY} cgroups that come and go between two scrapes are all accounted for`,
  () =>
    withUnit(
      'many',
      async ({ front, exporter, port, path }) => {
        await inCgroup(path, async (cgroup) => {
          const lane = (name: string): Promise<void> =>
            inCgroup(join(cgroup.path, name), (below) =>
              inCgroup(join(cgroup.path, `${name}-home`), async (home) => {
                const options = { host: CART.ipv4, port, below: below.path, home: home.path, count: MANY / LANES };
                expect(await front.run(home, 'brief-cgroups.mjs', options)).toHaveLength(MANY / LANES);
              }),
            );
          await Promise.all(Array.from({ length: LANES }, (_, index) => lane(`lane-${index}`)));
        });
        const samples = await exporter.samples('lorikeet_');
        const counted = samples[`lorikeet_requests_total${role('many', 'client')}`] ?? NaN;
        // A busy machine may lack memory for a row at that moment: then its events count as lost, one for each call.
        const lost = samples['lorikeet_exporter_lost_events_total{map="services"}'] ?? NaN;
        expect(counted).toBeLessThanOrEqual(MANY);
        expect(counted + lost).toBeGreaterThanOrEqual(MANY);
        expect(lost).toBeLessThan(MANY / 20);
        for (const map of ['cgroups', 'cgroup_paths'])
          expect(samples[`lorikeet_exporter_lost_events_total{map="${map}"}`]).toBe(0);
      },
      '--bpf.max-services=4096',
    ),
  120_000,
);
