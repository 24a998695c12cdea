import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileTraffic } from '../kernel/bpf/compile.ts';
import { compileShim, refusal } from '../kernel/refusals/shim.ts';
import { withSandbox } from '../kernel/sandbox/sandbox.ts';
import { bundleExporter, reducedTo, type Bundle } from './program.ts';
import { entry, role, serve, writeTargets } from './shop.ts';

const LOST = 'lorikeet_exporter_lost_events_total{map="services"}';
const LOOPBACK = '127.0.0.1';

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-splice-'));
  // Readable by the exporter's user.
  chmodSync(folder, 0o755);
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

interface Moved {
  readonly sent: number;
  readonly received: number;
}

interface Counts {
  /** Of the proxy as server and as client. */
  readonly requests: readonly number[];
  readonly sent: readonly number[];
  readonly received: readonly number[];
  readonly lost: number;
}

/** Sends 25 requests through the proxy, twice, and returns the counts after each time. */
function askTwice(command: readonly [string, ...string[]]) {
  return withSandbox(async (sandbox) => {
    const [backend, proxy] = [sandbox.childCgroup('backend'), sandbox.childCgroup('proxy')];
    const targets = join(folder, 'targets.yaml');
    writeTargets(targets, `targets:\n${entry('backend', backend)}${entry('proxy', proxy)}`);
    const exporter = await bundle.startThrough(command, `--targets.file=${targets}`);
    const before = (await exporter.samples(LOST))[LOST] ?? NaN;
    const server = await serve(sandbox, backend, LOOPBACK);
    const splicing = await sandbox.start(proxy, compileTraffic('splice-proxy.c', folder), { backend: server.port });
    const { port } = splicing.ready as { port: number };
    const rounds: { moved: Moved; counts: Counts }[] = [];
    for (let round = 0; round < 2; round++) {
      const client = { host: LOOPBACK, port, single: 20, kept: 5 };
      const moved = (await sandbox.run(sandbox.cgroup, 'http-client.mjs', client)) as Moved;
      const samples = await exporter.samples('lorikeet_');
      const of = (name: string) =>
        ['server', 'client'].map((end) => samples[`lorikeet_${name}_total${role('proxy', end)}`] ?? NaN);
      const [requests, sent, received] = [of('requests'), of('tcp_sent_bytes'), of('tcp_received_bytes')];
      rounds.push({ moved, counts: { requests, sent, received, lost: (samples[LOST] ?? NaN) - before } });
    }
    await splicing.stop();
    await server.stop();
    await exporter.stop();
    const [first, second] = rounds;
    if (first === undefined || second === undefined) throw new Error('no rounds');
    return { first, second, log: exporter.log.filter((line) => /tcp_rcv_space_adjust|without receive/.test(line)) };
  });
}

/** The proxy receives what it sends. */
function bytes(sent: number, received: number): Pick<Counts, 'sent' | 'received'> {
  return { sent: [received, sent], received: [sent, received] };
}

test('requests of a proxy that splices are counted as lost until the next scrape, then as requests', async () => {
  const { first, second, log } = await askTwice(reducedTo('bpf', 'perfmon'));
  expect(first.counts).toEqual({ requests: [0, 0], lost: 50, ...bytes(first.moved.sent, first.moved.received) });
  const all = bytes(first.moved.sent + second.moved.sent, first.moved.received + second.moved.received);
  expect(second.counts).toEqual({ requests: [25, 25], lost: 50, ...all });
  expect(log).toHaveLength(1);
});

test('they stay lost, with exact bytes, if the kernel refuses the program', async () => {
  const rule = refusal('load', 'tcp_rcv_space_adjust', 'EPERM');
  const command = ['env', `LD_PRELOAD=${compileShim(folder)}`, `LORIKEET_REFUSE=${rule}`] as const;
  const { first, second, log } = await askTwice([...command]);
  const all = bytes(first.moved.sent + second.moved.sent, first.moved.received + second.moved.received);
  expect(second.counts).toEqual({ requests: [0, 0], lost: 100, ...all });
  expect(log).toHaveLength(2);
  expect(log[1]).toMatch(/level=warn .*errno=EPERM/);
});
