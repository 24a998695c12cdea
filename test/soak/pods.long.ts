import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cgroupsOf, mapId } from '../exporter/kernel-maps.ts';
import { bundleExporter, type Bundle, type Exporter } from '../exporter/program.ts';
import { role, writeTargets } from '../exporter/shop.ts';
import { withSandbox, type Sandbox } from '../kernel/sandbox/sandbox.ts';
import { LONG_RUN } from '../long-run/settings.ts';
import { Fleet } from './fleet.ts';
import { MAPS, measure, median, table, type Measurement } from './measurements.ts';
import { livePod } from './pod.ts';

const { minutes: MINUTES = 15 } = LONG_RUN;
/** Number of concurrent pods, and the pause before each is replaced. */
const PLACES = 2;
const PAUSE_MS = 500;
const SCRAPE_MS = 3000;
/** Connections of the permanent pod. */
const HELD = 5;
/** Relative tolerance of the resident memory. */
const TOLERANCE = 0.05;
/** Unique capacities, which identify the maps of this exporter. */
const [MAX_SERVICES, MAX_EDGES] = [1000 + (process.pid % 500), 3000 + (process.pid % 1000)];
const CAPACITIES = {
  requests: 2 * MAX_SERVICES,
  http_responses: 2 * MAX_SERVICES,
  tcp: 2 * MAX_SERVICES,
  listeners: 2 * MAX_SERVICES,
  edges: MAX_EDGES,
} as const;

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-soak-'));
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

async function startExporter(targets: string): Promise<Exporter> {
  writeTargets(targets, 'targets: []\n');
  const limits = [`--bpf.max-services=${MAX_SERVICES}`, `--bpf.max-edges=${MAX_EDGES}`];
  return bundle.start(`--targets.file=${targets}`, '--collector.http_status', ...limits);
}

/** A permanent pod with permanent connections, which sends a request on each on demand. */
async function startSteadyPod(fleet: Fleet, sandbox: Sandbox) {
  fleet.know('steady', sandbox.cgroup);
  const held = await sandbox.start(sandbox.cgroup, 'closing/hold.mjs', { host: '127.0.0.1', count: HELD });
  await vi.waitFor(async () => expect(await fleet.samplesOf('steady')).not.toEqual({}), { timeout: 20_000 });
  let asked = HELD;
  return async (): Promise<number> => {
    await held.ask('ask');
    return (asked += HELD);
  };
}

/** Starts and ends pods until `signal`, and collects the ids of their cgroups. */
async function churn(fleet: Fleet, signal: AbortSignal, ids: Set<bigint>): Promise<void> {
  const endings: Promise<void>[] = [];
  const place = async (number: number): Promise<void> => {
    for (let pod = 0; !signal.aborted; pod++) {
      const lived = await livePod(fleet, `churn-${number}-${pod}`);
      for (const id of lived.ids) ids.add(id);
      endings.push(lived.gone);
      // Awaited at the end.
      lived.gone.catch(() => undefined);
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: PLACES }, (_, number) => place(number)));
  await Promise.all(endings);
}

const within = (measurements: readonly Measurement[], from: number, to: number): readonly Measurement[] =>
  measurements.filter(({ at }) => at >= from && at < to);

test(`${MINUTES} minutes of short-lived pods leave nothing behind`, async () => {
  const targets = join(folder, 'targets.yaml');
  const exporter = await startExporter(targets);
  const fleet = new Fleet(targets, exporter);
  await withSandbox(async (sandbox) => {
    const ask = await startSteadyPod(fleet, sandbox);
    const baseline = await measure(exporter, 0);
    const start = Date.now();
    const end = MINUTES * 60_000;
    const stop = new AbortController();
    const ids = new Set<bigint>();
    const measurements: Measurement[] = [];
    const watch = async (): Promise<void> => {
      try {
        while (!stop.signal.aborted && Date.now() - start < end) {
          const asked = await ask();
          const measurement = await measure(exporter, Date.now() - start);
          for (const name of ['client', 'server']) {
            expect(measurement.samples[`lorikeet_requests_total${role('steady', name)}`]).toBe(asked);
          }
          measurements.push({ ...measurement, samples: {} });
          await sleep(SCRAPE_MS);
        }
      } finally {
        stop.abort();
      }
    };
    try {
      // A failure of one ends the other.
      await Promise.all([watch(), churn(fleet, stop.signal, ids).finally(() => stop.abort())]);
    } finally {
      process.stdout.write(`${table(measurements)}\n${fleet.pods} pods, ${ids.size} cgroups\n`);
    }

    // Memory and rows are compared under the same load: the last minute with the second.
    const [early, late] = [within(measurements, 60_000, 120_000), within(measurements, end - 60_000, end)];
    const resident = (of: readonly Measurement[]): number => median(of.map(({ residentMb }) => residentMb));
    expect(resident(late)).toBeLessThanOrEqual(resident(early) * (1 + TOLERANCE));
    expect(measurements.map(({ lost }) => lost).filter((lost) => lost > 0)).toEqual([]);
    const most = (of: readonly Measurement[], map: (typeof MAPS)[number]): number =>
      Math.max(...of.map(({ rows }) => rows[MAPS.indexOf(map)] ?? 0));
    expect(most(measurements, 'cgroups')).toBeLessThan(MAX_SERVICES * 0.75);

    // The rest after the last pod has gone.
    expect((await measure(exporter, end)).series).toBe(baseline.series);
    const rowsLeft = () =>
      Object.entries(CAPACITIES).flatMap(([map, capacity]) =>
        cgroupsOf(mapId(map, capacity)).filter((id) => ids.has(id)),
      );
    await vi.waitFor(
      async () => {
        await exporter.samples('lorikeet_');
        expect(rowsLeft()).toEqual([]);
      },
      { timeout: 40_000, interval: 1000 },
    );
  });
  await exporter.stop();
});
