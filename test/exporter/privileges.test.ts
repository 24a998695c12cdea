import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COLLECTOR_NAMES } from '../../exporter/collectors/all.ts';
import { keptCapabilities } from '../../exporter/kernel/privileges.ts';
import { capabilityMask } from '../../native/index.ts';
import { withSandbox } from '../kernel/sandbox/sandbox.ts';
import { bundleExporter, reducedTo, type Bundle } from './program.ts';

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleExporter();
});
afterAll(() => bundle?.remove());

/** Runs a command with a read-only root file system. */
const READ_ONLY = ['unshare', '--mount', '--', 'sh', '-c', 'mount -o remount,bind,ro / && exec "$@"', 'sh'] as const;

/** One capability set of every thread of a process. */
function threadCapabilities(pid: number, set: 'CapPrm' | 'CapEff' | 'CapInh' | 'CapAmb'): bigint[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return BigInt(`0x${new RegExp(`^${set}:\\s*(\\w+)$`, 'm').exec(status)?.[1]}`);
  });
}

test('as nobody, with the documented capabilities and read-only file systems, every collector works', async () => {
  await withSandbox(async (sandbox) => {
    const { cgroup } = sandbox;
    const targets = join(tmpdir(), `${sandbox.netns}.yaml`);
    const shop = '  - {namespace: shop, service: cart, pod: cart-1, addresses: ["127.0.0.1"]';
    writeFileSync(targets, `targets:\n${shop}, cgroup: /${basename(cgroup.path)}}\n`);
    try {
      const command = [...READ_ONLY, ...reducedTo('bpf', 'perfmon')] as const;
      const exporter = await bundle.startThrough(
        command,
        `--targets.file=${targets}`,
        '--collector.syscalls',
        '--collector.http_status',
      );
      expect(readFileSync(`/proc/${exporter.pid}/mounts`, 'utf8')).toMatch(/^\S+ \/ \S+ ro[, ]/m);
      expect(readFileSync(`/proc/${exporter.pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);

      const server = await sandbox.start(cgroup, 'http-server.mjs', { host: '127.0.0.1' });
      const { port } = server.ready as { port: number };
      await sandbox.run(cgroup, 'http-client.mjs', { host: '127.0.0.1', port, single: 4, kept: 3 });
      const samples = await exporter.samples('lorikeet_');
      const success = Object.entries(samples).filter(([name]) => name.includes('_collector_success'));
      expect(success).toHaveLength(COLLECTOR_NAMES.length);
      expect(success.filter(([, value]) => value !== 1)).toEqual([]);
      for (const role of ['client', 'server']) {
        const labels = `{namespace="shop",service="cart",pod="cart-1",role="${role}"}`;
        expect(samples[`lorikeet_requests_total${labels}`]).toBe(7);
      }
      const pod = '{namespace="shop",service="cart",pod="cart-1"}';
      expect(samples[`lorikeet_container_cpu_seconds_total${pod}`]).toBeGreaterThan(0);
      for (const name of ['memory_bytes', 'page_faults_total', 'syscalls_total', 'file_opens_total']) {
        expect(samples[`lorikeet_container_${name}${pod}`], name).toBeGreaterThan(0);
      }
      await server.stop();
      await exporter.stop();
    } finally {
      rmSync(targets);
    }
  });
});

test.each([
  { as: 'nobody', command: reducedTo('bpf', 'perfmon', 'net_raw'), had: ['CAP_BPF'] as const },
  { as: 'root', command: ['env'] as const, had: ['CAP_BPF', 'CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE'] as const },
])('started as $as, no thread keeps a capability that is no longer needed', async ({ command, had }) => {
  const exporter = await bundle.startThrough(command);
  const kept = capabilityMask(keptCapabilities(release()).filter((name) => (had as readonly string[]).includes(name)));
  for (const set of ['CapPrm', 'CapEff'] as const) {
    const threads = threadCapabilities(exporter.pid, set);
    expect(threads.length).toBeGreaterThan(5);
    expect([...new Set(threads)]).toEqual([kept]);
  }
  for (const set of ['CapInh', 'CapAmb'] as const) {
    expect([...new Set(threadCapabilities(exporter.pid, set))]).toEqual([0n]);
  }
  // It still reads maps.
  const success = await exporter.samples('lorikeet_exporter_collector_success');
  expect([...new Set(Object.values(success))]).toEqual([1]);
  await exporter.stop();
});

test.each([
  { capabilities: ['bpf'], message: 'missing CAP_PERFMON: run as root, or grant it' },
  { capabilities: ['perfmon'], message: 'missing CAP_BPF: run as root, or grant it' },
  { capabilities: [], message: 'missing CAP_BPF and CAP_PERFMON: run as root, or grant them' },
])('with only $capabilities it reports in one line: $message', ({ capabilities: granted, message }) => {
  const [command, ...before] = reducedTo(...granted);
  const args = [...before, process.execPath, bundle.program, '--log.level=error'];
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, `lorikeet-exporter: ${message}\n`]);
});
