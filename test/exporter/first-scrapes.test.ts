import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startPrometheus } from '../testserver/prometheus.ts';
import { bundleExporter, type Bundle } from './program.ts';
import { CART, edge, entry, role, serve, shopTargets, withShop, writeTargets } from './shop.ts';

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-first-scrapes-'));
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

const INTERVAL_MS = 1000;
const config = (address: string): string => `
global: {scrape_interval: ${INTERVAL_MS}ms, scrape_timeout: ${INTERVAL_MS}ms}
scrape_configs: [{job_name: lorikeet, honor_labels: true, static_configs: [{targets: ['${address}']}]}]
`;

interface Answer {
  readonly data: {
    readonly result: readonly { readonly value?: [number, string]; readonly values?: [number, string][] }[];
  };
}

/** The result of a query for one series, or undefined. */
async function ask(url: string, query: string): Promise<Answer['data']['result'][number] | undefined> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  return ((await answer.json()) as Answer).data.result[0];
}

describe('Prometheus sees all of the first requests', () => {
  test(
    'of a new edge, although people look at /metrics too',
    () =>
      withShop(async (front, cart) => {
        const targets = join(folder, 'edge.yaml');
        writeTargets(targets, shopTargets(front, cart));
        const exporter = await bundle.start(`--targets.file=${targets}`);
        const prometheus = await startPrometheus({ config: config(exporter.address) });
        try {
          const { port } = await serve(cart, cart.cgroup, '0.0.0.0');
          await vi.waitFor(async () => expect(await ask(prometheus.url, 'up == 1')).toBeDefined(), { timeout: 20_000 });
          await new Promise((resolve) => setTimeout(resolve, 2 * INTERVAL_MS));
          await front.run(front.cgroup, 'http-client.mjs', { host: CART.ipv4, port, single: 5 });
          const labels = edge('shop', 'cart', port);
          // Whoever looks without being Prometheus gets the counts.
          expect(await exporter.samples(`lorikeet_edge_requests_total${labels}`)).toEqual({
            [`lorikeet_edge_requests_total${labels}`]: 5,
          });
          const series = ['lorikeet_edge_requests_total', 'lorikeet_edge_request_duration_seconds_count'];
          for (const name of series) {
            await vi.waitFor(
              async () => {
                const raw = await ask(prometheus.url, `${name}${labels}[1m]`);
                const values = raw?.values?.map(([, value]) => value) ?? [];
                expect(values[0]).toBe('0');
                expect(new Set(values.slice(1))).toEqual(new Set(['5']));
                expect(values.length).toBeGreaterThan(8);
              },
              { timeout: 30_000, interval: 500 },
            );
            const increase = await ask(prometheus.url, `increase(${name}${labels}[1m])`);
            // Prometheus extrapolates to the window's end, by half an interval.
            expect(Number(increase?.value?.[1])).toBeGreaterThan(4.9);
            expect(Number(increase?.value?.[1])).toBeLessThan(6);
          }
        } finally {
          await prometheus.stop();
        }
      }),
    90_000,
  );

  test.each(['after', 'before'])('of a pod that vanishes %s its first scrape', (when) =>
    withShop(async (front, cart) => {
      const targets = join(folder, `${when}.yaml`);
      const cartOnly = `targets:\n${entry('cart', cart.cgroup, [CART.ipv4])}`;
      writeTargets(targets, cartOnly);
      const exporter = await bundle.start(`--targets.file=${targets}`);
      const load = async (text: string, count: number): Promise<void> => {
        writeTargets(targets, text);
        await vi.waitFor(() => expect(exporter.log.at(-1)).toMatch(new RegExp(` targets=${count}$`)));
      };
      const scrape = async (): Promise<string> => {
        const headers = { 'user-agent': 'Prometheus', 'x-prometheus-scrape-timeout-seconds': '10' };
        return (await fetch(`http://${exporter.address}/metrics`, { headers })).text();
      };
      const { port } = await serve(cart, cart.cgroup, '0.0.0.0');
      await scrape();
      await load(shopTargets(front, cart), 2);
      await front.run(front.cgroup, 'http-client.mjs', { host: CART.ipv4, port, single: 5 });
      const names = [
        `lorikeet_requests_total${role('front', 'client')}`,
        `lorikeet_edge_requests_total${edge('shop', 'cart', port)}`,
      ];
      const first = when === 'after' ? await scrape() : undefined;
      await load(cartOnly, 1);
      const zeros = first ?? (await scrape());
      const [counts, nothing] = [await scrape(), await scrape()];
      for (const name of names) {
        expect(zeros).toContain(`\n${name} 0\n`);
        expect(counts).toContain(`\n${name} 5\n`);
        expect(nothing).not.toContain(`\n${name} `);
      }
    }),
  );
});
