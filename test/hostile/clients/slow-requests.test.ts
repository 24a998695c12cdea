import { afterAll, expect, it } from 'vitest';
import { CART, edge, role, serve, shopTargets, withShop } from '../../exporter/shop.ts';
import { Bench } from '../bench.ts';
import { keeps, record } from '../table/keeps.ts';

const bench = new Bench();
afterAll(() => bench.clear());

const REQUESTS = 40;
const SLOW = { clients: 10, forMs: 3000 };

it(
  'clients that finish their headers slowly change no latency but that which says how long they took',
  { timeout: 60_000, ...keeps('slow_requests') },
  () =>
    withShop(async (front, cart) => {
      const exporter = await bench.start('exporter', [
        `--targets.file=${bench.write('targets.yaml', shopTargets(front, cart))}`,
      ]);
      const server = await serve(cart, cart.cgroup, CART.ipv4);
      const at = { host: CART.ipv4, port: server.port };
      // A tick of the kernel has a length once a second has passed since the first wait for a client.
      await front.run(front.cgroup, 'slow-clients.mjs', { ...at, clients: 1, forMs: 1500 });
      await front.run(front.cgroup, 'http-client.mjs', { ...at, kept: REQUESTS });
      await front.run(front.cgroup, 'slow-clients.mjs', { ...at, ...SLOW });
      const samples = await exporter.samples('lorikeet_');
      const requests = REQUESTS + SLOW.clients + 1;
      for (const [metric, labels] of [
        ['lorikeet_request', role('cart', 'server')],
        ['lorikeet_request', role('front', 'client')],
        ['lorikeet_edge_request', edge('shop', 'cart', server.port)],
      ] as const) {
        const sum = samples[`${metric}_duration_seconds_sum${labels}`] ?? NaN;
        expect(samples[`${metric}_duration_seconds_count${labels}`]).toBe(requests);
        expect(sum).toBeGreaterThan((SLOW.clients * SLOW.forMs) / 1000);
        const without = sum - (samples[`${metric}_client_wait_seconds_total${labels}`] ?? NaN);
        // All of them but for what a busy machine needs to answer.
        expect(without).toBeLessThan(sum / 20);
        record({ mean_ms: (sum / requests) * 1000, without_ms: (without / requests) * 1000 });
      }
      await exporter.stop();
      await server.stop();
    }),
);
