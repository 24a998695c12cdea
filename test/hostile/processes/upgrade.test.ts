import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../scripts/free-port.ts';
import { CART, role, serve, shopTargets, withShop } from '../../exporter/shop.ts';
import { startProxy } from '../../testserver/proxy.ts';
import { until } from '../../until.ts';
import { Bench, LONELY_SCORER } from '../bench.ts';
import type { Program } from '../../running-program.ts';
import { LearningFleet, untilScored } from '../learning-fleet.ts';
import { keeps, record } from '../table/keeps.ts';

const REQUESTS = 100;

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.clear());

/** The files of the state, with their content. */
function state(): Readonly<Record<string, string>> {
  const models = join(bench.folder, 'state/models');
  const files = readdirSync(models, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ name }) => [name, readFileSync(join(models, name), 'latin1')]));
}

describe('a new program while the old one runs', keeps('upgrade'), () => {
  it.each<Program>(['exporter', 'scorer'])(
    'ends in one clear line at the port of the old %s, which goes on',
    async (name) => {
      bench.write('scorer.yaml', LONELY_SCORER);
      // A state that may not be touched.
      if (name === 'scorer') await (await bench.start('scorer')).stop();
      const address = `127.0.0.1:${await freePort()}`;
      const old = await bench.start(name, [], { address });
      const before = name === 'scorer' ? state() : {};
      const successor = bench.launch(name, [], { address });
      expect(await successor.exited).toBe(1);
      expect(successor.log.at(-1)).toBe(`lorikeet-${name}: listen ${address}: address in use`);
      expect([await old.isHealthy(), old.ended()]).toEqual([true, undefined]);
      expect(name === 'scorer' ? state() : {}).toEqual(before);
      await old.stop();
    },
  );

  it('counts the same as the old exporter at another port', { timeout: 60_000 }, () =>
    withShop(async (front, cart) => {
      const flags = [`--targets.file=${bench.write('targets.yaml', shopTargets(front, cart))}`];
      const old = await bench.start('exporter', flags);
      const server = await serve(cart, cart.cgroup, CART.ipv4);
      const ask = () =>
        front.run(front.cgroup, 'http-client.mjs', { host: CART.ipv4, port: server.port, single: REQUESTS });
      await ask();
      const successor = await bench.start('exporter', flags);
      await ask();
      const series = `lorikeet_requests_total${role('cart', 'server')}`;
      expect([await old.value(series), await successor.value(series)]).toEqual([2 * REQUESTS, REQUESTS]);
      await old.stop();
      await ask();
      expect(await successor.value(series)).toBe(2 * REQUESTS);
      await successor.stop();
      await server.stop();
    }),
  );

  it('scores beside the old scorer with the same state, which stays whole', { timeout: 400_000 }, async () => {
    const fleet = await LearningFleet.start();
    try {
      const flags = [`--config.file=${fleet.configure(bench)}`];
      const old = await bench.start('scorer', flags);
      await untilScored(old);
      const successor = await bench.start('scorer', flags);
      await untilScored(successor);
      for (const scorer of [old, successor]) {
        await until('it to learn again', () => scorer.logged('msg=learned') >= 2, {
          timeoutMs: 120_000,
          seen: () => scorer.log.slice(-15).join('\n'),
        });
        expect(await scorer.value('lorikeet_scorer_model_damaged')).toBe(0);
        expect(await scorer.value('lorikeet_scorer_cycles_failed_total')).toBe(0);
        expect(await scorer.value('lorikeet_scorer_training_failures_total')).toBe(0);
      }
      await Promise.all([old.stop(), successor.stop()]);
      const next = await bench.start('scorer', flags);
      await untilScored(next, 20_000);
      expect(next.log.join('\n')).not.toContain('not used');
      await next.stop();
    } finally {
      await fleet.stop();
    }
  });
});

it(
  'a scorer that is restarted in the middle of a cycle goes on with the next one',
  { timeout: 300_000, ...keeps('restart') },
  async () => {
    const fleet = await LearningFleet.start();
    const proxy = await startProxy(fleet.prometheus.url);
    try {
      const flags = [`--config.file=${fleet.configure(bench, { queries: proxy.url })}`];
      let scorer = await bench.start('scorer', flags);
      await untilScored(scorer);
      proxy.delayMs = 400;
      const RESTARTS = 5;
      for (let restarts = 0; restarts < RESTARTS; restarts++) {
        const asked = proxy.queries.length;
        await until('a query to be under way', () => proxy.queries.length > asked, { periodMs: 1 });
        await sleep(restarts * 100);
        const stoppedMs = Date.now();
        await scorer.stop();
        record({ stop_seconds: (Date.now() - stoppedMs) / 1000 });
        scorer = await bench.start('scorer', flags);
        const next = async () => (await fleet.scoreTimes(stoppedMs + 1)).length > 0;
        await until('a score', next, { timeoutMs: 30_000, periodMs: 50, seen: () => scorer.log.join('\n') });
        record({ seconds: (Date.now() - stoppedMs) / 1000 });
        expect(await scorer.total('lorikeet_scorer_samples_dropped_total')).toBe(0);
      }
      record({ restarts: RESTARTS });
      await scorer.stop();
    } finally {
      await proxy.stop();
      await fleet.stop();
    }
  },
);
