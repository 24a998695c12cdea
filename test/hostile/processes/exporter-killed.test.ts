import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { Random } from '../../../scorer/numeric/random.ts';
import { CART, role, serve, shopTargets, withShop } from '../../exporter/shop.ts';
import { objectsOf, remaining } from '../../kernel/bpf/links.ts';
import type { RunningProgram } from '../../running-program.ts';
import { until } from '../../until.ts';
import { Bench } from '../bench.ts';
import { keeps, record } from '../table/keeps.ts';

const KILLS = 8;
/** Maximum time from its start to a kill: it loads its programs, attaches them, and is scraped. */
const MAX_LIFE_MS = 3000;
const REQUESTS = 100;

const bench = new Bench();
afterAll(() => bench.remove());

const pins = () => (existsSync('/sys/fs/bpf') ? readdirSync('/sys/fs/bpf') : []);

/** Stops an exporter where it is, and kills it. @returns the number of its objects in the kernel, of which none is left */
async function killed(exporter: RunningProgram): Promise<number> {
  exporter.signal('SIGSTOP');
  const held = objectsOf(exporter.pid);
  const count = (objects: typeof held) => Object.values(objects).flat().length;
  expect(count(remaining(held))).toBe(count(held));
  await exporter.kill();
  // The kernel frees maps once nobody can be reading them.
  await until('the kernel to free all', () => count(remaining(held)) === 0, {
    periodMs: 100,
    seen: () => JSON.stringify(remaining(held)),
  });
  return count(held);
}

it(
  'an exporter that is killed at any time leaves nothing in the kernel, and the next one counts',
  { timeout: 180_000, ...keeps('exporter_killed') },
  () =>
    withShop(async (front, cart) => {
      const targets = bench.write('targets.yaml', shopTargets(front, cart));
      const pinned = pins();
      const server = await serve(cart, cart.cgroup, CART.ipv4);
      const ask = () =>
        front.run(front.cgroup, 'http-client.mjs', { host: CART.ipv4, port: server.port, single: REQUESTS });
      const random = new Random(Date.now());
      let objects = 0;
      for (let kills = 0; kills < KILLS; kills++) {
        const exporter = bench.launch('exporter', [`--targets.file=${targets}`]);
        // Every other one while it counts and is scraped.
        const isCounting = kills % 2 === 1;
        if (isCounting) await exporter.listening();
        const busy = isCounting ? [ask(), exporter.get('/metrics').catch(() => undefined)] : [];
        await sleep(random.uniform() * MAX_LIFE_MS);
        objects = Math.max(objects, await killed(exporter));
        await Promise.all(busy);
      }
      const exporter = await bench.start('exporter', [`--targets.file=${targets}`]);
      await ask();
      const samples = await exporter.samples('lorikeet_requests_total');
      for (const [service, name] of [
        ['cart', 'server'],
        ['front', 'client'],
      ] as const)
        expect(samples[`lorikeet_requests_total${role(service, name)}`]).toBe(REQUESTS);
      await exporter.stop();
      await server.stop();
      expect(objects).toBeGreaterThan(20);
      expect(pins()).toEqual(pinned);
      record({ kills: KILLS, objects });
    }),
);
