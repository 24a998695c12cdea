import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';
import { withSandbox, type Cgroup, type Sandbox } from '../kernel/sandbox/sandbox.ts';
import { bundleExporter, type Bundle, type Exporter } from './program.ts';
import { serve } from './shop.ts';

/* Cgroups as systemd makes them, by hand; a real exporter that has no list of targets. */

const SLICE = join(findCgroupMount(), `lorikeet-${process.pid}.slice`);
let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleExporter();
});
afterAll(() => bundle?.remove());

/** Runs `work` with a unit that has a cgroup, which is removed after it. */
async function withUnit(unit: string, work: (cgroup: Cgroup) => Promise<void>): Promise<void> {
  const path = join(SLICE, unit);
  mkdirSync(path, { recursive: true });
  try {
    await work({ path, id: statSync(path, { bigint: true }).ino });
  } finally {
    rmdirSync(path);
    rmdirSync(SLICE);
  }
}

const START = [
  '--targets.systemd',
  '--targets.systemd.namespace=shop',
  '--targets.systemd.unit-include=(cart|stock)-test.*',
];
const requestsOf = (service: string, unit: string): string =>
  `lorikeet_requests_total{namespace="shop",service="${service}",pod="${hostname()}/${unit}",role="server"}`;

/** Serves `count` requests in a cgroup. */
async function serveRequests(sandbox: Sandbox, cgroup: Cgroup, count: number): Promise<void> {
  const server = await serve(sandbox, cgroup, '127.0.0.1');
  await sandbox.run(sandbox.cgroup, 'http-client.mjs', { host: '127.0.0.1', port: server.port, single: count });
  await server.stop();
}

async function expectRequests(exporter: Exporter, series: string, count: number): Promise<void> {
  const read = async () => (await exporter.samples('lorikeet_requests_total'))[series];
  await vi.waitFor(async () => expect(await read()).toBe(count), { timeout: 10_000 });
}

test('a unit that starts later is a service, by its name, and goes on when it is restarted', async () => {
  const exporter = await bundle.start(...START);
  await withSandbox(async (sandbox) => {
    const series = requestsOf('cart-test', 'cart-test@1.service');
    await withUnit('cart-test@1.service', async (cgroup) => {
      // A new series is 0 in the first scrape.
      await expectRequests(exporter, series, 0);
      await serveRequests(sandbox, cgroup, 5);
      await expectRequests(exporter, series, 5);
      const [info] = Object.keys(await exporter.samples('lorikeet_target_info'));
      expect(info).toContain('workload_kind="SystemdUnit"');
    });
    await withUnit('cart-test@1.service', async (cgroup) => {
      await serveRequests(sandbox, cgroup, 2);
      await expectRequests(exporter, series, 7);
    });
    await withUnit('another-test.service', async (cgroup) => {
      await serveRequests(sandbox, cgroup, 3);
      expect((await exporter.get('/metrics')).text).not.toContain('another-test');
    });
  });
  await exporter.stop();
});

test.each([
  [['--targets.systemd.unit-include=('], '--targets.systemd.unit-include: expected a regular expression, got "("'],
  [['--targets.systemd.namespace='], '--targets.systemd.namespace: expected a name'],
])('%o is refused', (flags, message) => {
  const { status, stderr } = bundle.run('--targets.systemd', ...flags);
  expect([status, stderr]).toEqual([2, `lorikeet-exporter: ${message}\n`]);
});
