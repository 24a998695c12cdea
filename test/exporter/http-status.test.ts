import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleExporter, reducedTo, type Bundle } from './program.ts';
import { CART, of, serve, shopTargets, withShop, writeTargets } from './shop.ts';

const FLAG = '--collector.http_status';
const RESPONSES = 'lorikeet_http_responses_total';
const SUCCESS = 'lorikeet_exporter_collector_success';

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-http-'));
  // Readable by the exporter's user.
  chmodSync(folder, 0o755);
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

test('with the documented capabilities, responses are counted by class at both ends', () =>
  withShop(async (front, cart) => {
    const targets = join(folder, 'targets.yaml');
    writeTargets(targets, shopTargets(front, cart));
    const command = reducedTo('bpf', 'perfmon');
    const exporter = await bundle.startThrough(command, FLAG, `--targets.file=${targets}`);
    const counts = async (service: string, role: string): Promise<(number | undefined)[]> => {
      const samples = await exporter.samples(RESPONSES);
      const line = (status: string) => RESPONSES + of(service, `,role="${role}",class="${status}"`);
      return ['1xx', '2xx', '3xx', '4xx', '5xx'].map((status) => samples[line(status)]);
    };
    const none = [0, 0, 0, 0, 0];
    expect(await counts('cart', 'server')).toEqual(none);
    const server = await serve(cart, cart.cgroup, '::');
    for (const host of [CART.ipv4, CART.ipv6]) {
      const options = { host, port: server.port, statuses: [200, 200, 302, 404, 500], single: 5, kept: 10 };
      await front.run(front.cgroup, 'http-client.mjs', options);
    }
    const expected = [0, 12, 6, 6, 6];
    expect([await counts('front', 'client'), await counts('cart', 'server')]).toEqual([expected, expected]);
    expect([await counts('front', 'server'), await counts('cart', 'client')]).toEqual([none, none]);
    const self = await exporter.samples('lorikeet_exporter_');
    expect(self['lorikeet_exporter_lost_events_total{map="http_responses"}']).toBe(0);
    expect(self['lorikeet_exporter_bpf_map_entries{map="http_responses"}']).toBeGreaterThanOrEqual(2);
    await server.stop();
    await exporter.stop();
  }));

test('on chosen ports only, which enables the collector', () =>
  withShop(async (front, cart) => {
    const targets = join(folder, 'ports.yaml');
    writeTargets(targets, shopTargets(front, cart));
    const [server, other] = [await serve(cart, cart.cgroup, '::'), await serve(cart, cart.cgroup, '::')];
    const exporter = await bundle.start(`--targets.file=${targets}`, `${FLAG}.ports=1,${server.port}`);
    for (const { port } of [server, other])
      await front.run(front.cgroup, 'http-client.mjs', { host: CART.ipv4, port, statuses: [503], single: 1, kept: 3 });
    const samples = await exporter.samples('lorikeet_');
    for (const [service, role] of [
      ['front', 'client'],
      ['cart', 'server'],
    ] as const) {
      expect(samples[`lorikeet_requests_total${of(service, `,role="${role}"`)}`]).toBe(8);
      expect(samples[`${RESPONSES}${of(service, `,role="${role}",class="5xx"`)}`]).toBe(4);
    }
    await server.stop();
    await other.stop();
    await exporter.stop();
  }));

test('it is disabled by default', async () => {
  const exporter = await bundle.start();
  expect(Object.keys(await exporter.samples(SUCCESS))).not.toContain(`${SUCCESS}{collector="http_status"}`);
  expect(await exporter.samples('lorikeet_exporter_bpf_map_capacity{map="http_responses"}')).toEqual({});
  await exporter.stop();
});
