import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileTraffic } from '../kernel/bpf/compile.ts';
import { withSandbox } from '../kernel/sandbox/sandbox.ts';
import { bundleExporter, reducedTo, type Bundle } from './program.ts';
import { entry, role, serve, writeTargets } from './shop.ts';

const LOST = 'lorikeet_exporter_lost_events_total{map="requests"}';
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

test('requests of a proxy that splices are counted as lost until the next scrape, then as requests', () =>
  withSandbox(async (sandbox) => {
    const [backend, proxy] = [sandbox.childCgroup('backend'), sandbox.childCgroup('proxy')];
    const targets = join(folder, 'targets.yaml');
    writeTargets(targets, `targets:\n${entry('backend', backend)}${entry('proxy', proxy)}`);
    const exporter = await bundle.startThrough(reducedTo('bpf', 'perfmon'), `--targets.file=${targets}`);
    const before = (await exporter.samples('lorikeet_exporter_'))[LOST] ?? NaN;

    const server = await serve(sandbox, backend, LOOPBACK);
    const splicing = await sandbox.start(proxy, compileTraffic('splice-proxy.c', folder), { backend: server.port });
    const ask = async (): Promise<Moved> => {
      const { port } = splicing.ready as { port: number };
      const client = { host: LOOPBACK, port, single: 20, kept: 5 };
      return (await sandbox.run(sandbox.cgroup, 'http-client.mjs', client)) as Moved;
    };
    const counted = async () => {
      const samples = await exporter.samples('lorikeet_');
      const of = (name: string) =>
        ['server', 'client'].map((end) => samples[`lorikeet_${name}_total${role('proxy', end)}`] ?? NaN);
      return {
        requests: of('requests'),
        sent: of('tcp_sent_bytes'),
        received: of('tcp_received_bytes'),
        lost: (samples[LOST] ?? NaN) - before,
      };
    };
    const first = await ask();
    expect(await counted()).toEqual({
      requests: [0, 0],
      sent: [first.received, first.sent],
      received: [first.sent, first.received],
      lost: 50,
    });
    const second = await ask();
    const [sent, received] = [first.sent + second.sent, first.received + second.received];
    expect(await counted()).toEqual({
      requests: [25, 25],
      sent: [received, sent],
      received: [sent, received],
      lost: 50,
    });
    expect(exporter.log.filter((line) => line.includes('tcp_rcv_space_adjust'))).toHaveLength(1);
    await splicing.stop();
    await server.stop();
    await exporter.stop();
  }));
