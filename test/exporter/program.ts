import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { APART, bundle } from '../../scripts/bundle/bundle.mjs';

const LISTEN = '--web.listen-address=127.0.0.1:0';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The user id, as in a container image. */
const NOBODY = '65534';

/** A command prefix that runs a program as nobody with only these capabilities, permanently. */
export function reducedTo(...capabilities: readonly string[]): [string, ...string[]] {
  const set = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const sets = ['inh-caps', 'ambient-caps', 'bounding-set'].map((name) => `--${name}=${set}`);
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs', ...sets, '--'];
}

/** The bundled program in its own directory, with its BPF object and addons, as shipped. */
export interface Bundle {
  readonly program: string;
  /** Runs the program to its end. */
  run(...args: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string };
  /** Starts the program on a free port and waits until it listens. */
  start(...args: readonly string[]): Promise<Exporter>;
  /** The same through a wrapper such as setpriv. */
  startThrough(command: readonly [string, ...string[]], ...args: readonly string[]): Promise<Exporter>;
  remove(): void;
}

export interface Exporter {
  readonly pid: number;
  readonly address: string;
  /** Its log so far. */
  readonly log: readonly string[];
  get(path: string): Promise<{ readonly status: number; readonly text: string }>;
  /** /metrics, parsed: series -> value, without comments. */
  samples(prefix: string): Promise<Readonly<Record<string, number>>>;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit status or signal. */
  readonly exited: Promise<number | string>;
  /** Stops it like a service manager. @throws Error unless its exit status is 0. */
  stop(): Promise<void>;
}

/** Builds the program like scripts/build.mjs. The BPF object and the addons must already be built. */
export async function bundleExporter(): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-exporter-'));
  const program = join(folder, 'lorikeet-exporter.js');
  for (const file of ['lorikeet.bpf.o', 'lorikeet_native.node', 'lorikeet_memory.node'])
    copyFileSync(join(ROOT, 'dist', file), join(folder, file));
  await bundle(
    { 'lorikeet-exporter': 'exporter/main.ts', 'lorikeet-kubeconfig': APART['lorikeet-kubeconfig'] ?? '' },
    { outdir: folder, version: '0.0.0-test' },
  );
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  // Readable by every user.
  chmodSync(folder, 0o755);
  const running: ChildProcess[] = [];
  const launch = (command: string, args: readonly string[]): Promise<Exporter> => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe'] });
    running.push(child);
    return exporterOf(child);
  };
  return {
    program,
    run: (...args) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' }),
    start: (...args) => launch(process.execPath, [program, LISTEN, ...args]),
    startThrough: ([command, ...before], ...args) =>
      launch(command, [...before, process.execPath, program, LISTEN, ...args]),
    remove() {
      for (const child of running) child.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

async function exporterOf(child: ChildProcess): Promise<Exporter> {
  const log: string[] = [];
  const exited = once(child, 'exit').then(([status, signal]) => (status ?? signal) as number | string);
  const address = await new Promise<string>((resolve, reject) => {
    if (child.stderr === null) throw new Error('no standard error');
    createInterface(child.stderr).on('line', (line) => {
      log.push(line);
      const listening = /msg=listening address=(\S+)/.exec(line)?.[1];
      if (listening !== undefined) resolve(listening);
    });
    void exited.then((status) => reject(new Error(`exporter ended with ${status}: ${log.join('\n')}`)));
  });
  const get = async (path: string) => {
    const answer = await fetch(`http://${address}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  return {
    pid: child.pid as number,
    address,
    log,
    get,
    async samples(prefix) {
      const { status, text } = await get('/metrics');
      if (status !== 200) throw new Error(`/metrics answered ${status}: ${text}`);
      return parseSamples(text, prefix);
    },
    signal: (name) => void child.kill(name),
    exited,
    async stop() {
      child.kill('SIGTERM');
      const status = await exited;
      if (status !== 0) throw new Error(`exporter ended with ${status}: ${log.join('\n')}`);
    },
  };
}

function parseSamples(text: string, prefix: string): Record<string, number> {
  const samples: Record<string, number> = {};
  for (const line of text.split('\n')) {
    if (!line.startsWith(prefix)) continue;
    const blank = line.lastIndexOf(' ');
    samples[line.slice(0, blank)] = Number(line.slice(blank + 1).replace('Inf', 'Infinity'));
  }
  return samples;
}
