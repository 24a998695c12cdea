import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { keeps } from '../hostile/table/keeps.ts';
import { bundleExporter, type Bundle } from './program.ts';

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-standard-error-'));
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

/** A port that is free now: without a log, the exporter cannot say which one it chose. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Starts the exporter by a shell script, in which `"$@" 2>…` is its command line. Resolves when it is ready. */
async function start(script: string) {
  const port = await freePort();
  const targets = join(folder, 'targets.yaml');
  writeFileSync(targets, 'targets: []\n');
  const flags = [`--web.listen-address=127.0.0.1:${port}`, `--targets.file=${targets}`];
  const command = ['-c', script, 'bash', process.execPath, bundle.program, ...flags];
  const child = spawn('bash', command, { stdio: ['ignore', 'ignore', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(async () => expect((await fetch(`${url}/-/ready`)).status).toBe(200), {
    timeout: 20_000,
    interval: 100,
  });
  return {
    pid: child.pid ?? 0,
    /** Makes it write a line. */
    async log() {
      child.kill('SIGHUP');
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
    async dropped(): Promise<number> {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/^lorikeet_exporter_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
    },
    async stop(): Promise<unknown> {
      child.kill('SIGTERM');
      return (await once(child, 'exit'))[0] as unknown;
    },
  };
}

test.each([
  ['a full disk', 'exec "$@" 2>/dev/full'],
  ['a pipe whose reader has exited', 'exec "$@" 2> >(exec head -n 1 >/dev/null)'],
  // Ends with the exporter, whose process id is the shell's.
  ['a pipe whose reader does not read', 'exec "$@" 2> >(exec tail --pid=$$ -f /dev/null)'],
])('lives with %s', keeps('full_disk'), async (what, script) => {
  const exporter = await start(script);
  const stalled = what.includes('does not');
  // A pipe holds 64 KiB.
  for (let line = 0; line < (stalled ? 10 : 3); line++) await exporter.log();
  if (stalled) fillPipe(exporter.pid);
  await exporter.log();
  await vi.waitFor(async () => expect(await exporter.dropped()).toBeGreaterThan(0), { timeout: 5000 });
  expect(await exporter.stop()).toBe(0);
});

/** Fills the pipe of a process' standard error, as other processes that share it may. */
function fillPipe(pid: number): void {
  const script = `exec dd if=/dev/zero of=/proc/${pid}/fd/2 bs=1024 count=65 oflag=nonblock 2>/dev/null`;
  try {
    execFileSync('bash', ['-c', script]);
  } catch {
    // It ends with EAGAIN when the pipe is full.
  }
}

test('lives with closed standard streams, which are never sockets or maps of its own', keeps('full_disk'), async () => {
  const exporter = await start('exec "$@" <&- >&- 2>&-');
  await exporter.log();
  expect([0, 1, 2].map((number) => readlinkSync(`/proc/${exporter.pid}/fd/${number}`))).toEqual(
    Array.from({ length: 3 }, () => '/dev/null'),
  );
  expect(await exporter.dropped()).toBe(0);
  expect(await exporter.stop()).toBe(0);
});

test(
  'writes whole lines again once the disk has space, and says how many are missing',
  keeps('full_disk'),
  async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const script = `mount -t tmpfs -o size=4096 none "${disk}" && exec "$@" 2>>"${disk}/log"`;
    const exporter = await start(`exec unshare --mount bash -c '${script}' "$0" "$@"`);
    const log = join(`/proc/${exporter.pid}/root`, disk, 'log');
    while ((await exporter.dropped()) === 0) await exporter.log();
    const before = readFileSync(log, 'utf8');
    truncateSync(log);
    await exporter.log();
    const lines = (before + readFileSync(log, 'utf8')).trimEnd().split('\n');
    expect(lines.filter((line) => !/^ts=\S+ level=\S+ msg=/.test(line))).toEqual([]);
    expect(lines.find((line) => line.includes('msg="log lines were dropped"'))).toMatch(/ level=warn .* lines=\d+$/);
    expect(await exporter.stop()).toBe(0);
  },
);
