import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isUnified } from '../../exporter/cgroups/hierarchy.ts';
import { defaultObjectPath } from '../../native/index.ts';
import { compileTraffic } from '../kernel/bpf/compile.ts';
import { hierarchyOf, withController } from '../kernel/sandbox/controllers.ts';
import { withBlockDevice } from '../kernel/sandbox/block-device.ts';
import { withSandbox } from '../kernel/sandbox/sandbox.ts';
import { bundleExporter, type Bundle, type Exporter } from './program.ts';

let bundle: Bundle;
let folder: string;
let program: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-container-'));
  program = compileTraffic('events', folder);
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts an exporter with the cgroup of this name, below the mount, as the pod `cart-1`. */
async function withExporter(cgroup: string, flags: readonly string[], work: (exporter: Exporter) => Promise<void>) {
  const targets = join(folder, 'targets.yaml');
  writeFileSync(targets, `targets:\n  - {namespace: shop, service: cart, pod: cart-1, cgroup: /${cgroup}}\n`);
  const exporter = await bundle.start(`--targets.file=${targets}`, ...flags);
  try {
    await work(exporter);
  } finally {
    exporter.signal('SIGTERM');
    expect(await exporter.exited).toBe(0);
  }
}

const POD = '{namespace="shop",service="cart",pod="cart-1"';
const series = (name: string, event?: string): string =>
  `lorikeet_container_${name}_total${POD}${event === undefined ? '' : `,event="${event}"`}}`;

test('activity of a program is counted for its pod, system calls only if enabled', () =>
  withSandbox(async (sandbox) => {
    const leaf = sandbox.childCgroup('app');
    const running = await sandbox.start(leaf, program, {});
    await withExporter(basename(sandbox.cgroup.path), ['--collector.syscalls'], async (exporter) => {
      const before = await exporter.samples('lorikeet_container_');
      await running.ask('open-files 10');
      await running.ask('map-memory 20');
      await running.ask('spawn 7');
      await running.ask('touch-pages 500');
      const after = await exporter.samples('lorikeet_container_');
      const added = (name: string, event?: string): number =>
        (after[series(name, event)] ?? NaN) - (before[series(name, event)] ?? NaN);
      expect(['fork', 'exec', 'exit', 'oom_kill'].map((event) => added('process_events', event))).toEqual([7, 7, 7, 0]);
      // A spawned program loads its libraries.
      expect(added('file_opens')).toBeGreaterThanOrEqual(30 + 7);
      expect(added('mmap_calls')).toBeGreaterThanOrEqual(21 + 7);
      expect(added('syscalls')).toBeGreaterThan(100);
      expect(added('page_faults')).toBeGreaterThanOrEqual(500);
    });
    await withExporter(basename(sandbox.cgroup.path), [], async (exporter) => {
      const samples = await exporter.samples('lorikeet_container_');
      expect(samples[series('page_faults')]).toBeGreaterThanOrEqual(0);
      for (const name of ['syscalls', 'mmap_calls', 'file_opens']) expect(samples).not.toHaveProperty([series(name)]);
    });
    await running.stop();
  }));

test('a missing hook only affects its collector', async () => {
  const object = join(folder, 'lacking.bpf.o');
  const bytes = readFileSync(defaultObjectPath(), 'latin1');
  writeFileSync(object, bytes.replaceAll('tp_btf/page_fault_user', 'tp_btf/page_fault_none'), 'latin1');
  await withSandbox((sandbox) =>
    withExporter(basename(sandbox.cgroup.path), [`--bpf.object=${object}`], async (exporter) => {
      for (let scrape = 0; scrape < 3; scrape++) {
        const samples = await exporter.samples('lorikeet_');
        expect(samples['lorikeet_exporter_collector_success{collector="page_faults"}']).toBe(0);
        expect(samples['lorikeet_exporter_collector_success{collector="process_events"}']).toBe(1);
        expect(samples).not.toHaveProperty([series('page_faults')]);
        expect(samples[series('process_events', 'fork')]).toBe(0);
      }
      const lines = exporter.log.filter((line) => line.includes('page_fault'));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('msg="BPF program not running" program=page_fault_user at=hook errno=ENOENT');
      expect(lines[0]).toContain('lost="page_faults: all"');
    }),
  );
});

describe('with the controllers of the other version', () => {
  const memory = hierarchyOf('memory');
  const io = hierarchyOf('blkio');

  test('memory is what the controller charges to the cgroup of the same path', (context) =>
    withSandbox(async (sandbox) => {
      if (memory === undefined) return context.skip('no memory controller here');
      context.skip(isUnified(memory), 'the memory controller is in version 2');
      const name = basename(sandbox.cgroup.path);
      const running = await sandbox.start(sandbox.cgroup, program, {});
      await withExporter(name, [], async (exporter) => {
        const metric = `lorikeet_container_memory_bytes${POD}}`;
        const resident = (await exporter.samples('lorikeet_container_memory'))[metric] ?? 0;
        await withController(['memory'], memory, name, async ({ path }) => {
          writeFileSync(join(path, 'cgroup.procs'), String((running.ready as { pid: number }).pid));
          // The pages of a file are charged, but not resident in a process.
          await running.ask(`write-file ${32 << 20} ${join(folder, 'file')}`);
          const read = (file: string): string => readFileSync(join(path, file), 'utf8');
          expect(resident).toBeGreaterThan(0);
          // The kernel may return memory charged in advance between the two reads.
          await vi.waitFor(async () => {
            const bytes = (await exporter.samples('lorikeet_container_memory'))[metric];
            const inactive = Number(/^total_inactive_file (\d+)$/m.exec(read('memory.stat'))?.[1]);
            expect(bytes).toBe(Number(read('memory.usage_in_bytes')) - inactive);
            expect(inactive).toBeGreaterThan(16 << 20);
          });
          await running.stop();
        });
      });
    }));

  test('block requests come from the cgroup of the same path, if it exists', (context) =>
    withSandbox(async (sandbox) => {
      if (io === undefined) return context.skip('no io controller here');
      // In version 2 a process is in one cgroup only, and the sandbox's lacks the controller.
      const name = isUnified(io) ? `${sandbox.netns}-io` : basename(sandbox.cgroup.path);
      const running = await sandbox.start(sandbox.cgroup, program, {});
      await withExporter(name, [], async (exporter) => {
        const requests = series('block_requests');
        expect(await exporter.samples(requests)).toEqual({});
        await withController(['blkio'], io, name, async ({ path }) => {
          expect(await exporter.samples(requests)).toEqual({ [requests]: 0 });
          writeFileSync(join(path, 'cgroup.procs'), String((running.ready as { pid: number }).pid));
          await withBlockDevice(folder, async (device) => void (await running.ask(`write-blocks 50 ${device}`)));
          expect((await exporter.samples(requests))[requests]).toBeGreaterThanOrEqual(50);
          await running.stop();
        });
      });
    }));
});
