import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { APART, bundle } from '../../scripts/bundle/bundle.mjs';
import { type Command, RunningProgram } from '../running-program.ts';

const LISTEN = '--web.listen-address=127.0.0.1:0';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The user id, as in a container image. */
const NOBODY = '65534';

/** A command prefix that runs a program as nobody with only these capabilities, permanently. */
export function reducedTo(...capabilities: readonly string[]): Command {
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
  startThrough(command: Command, ...args: readonly string[]): Promise<Exporter>;
  remove(): void;
}

export type Exporter = RunningProgram;

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
  const running: Exporter[] = [];
  const launch = async (command: Command): Promise<Exporter> => {
    const exporter = RunningProgram.launch(command);
    running.push(exporter);
    await exporter.listening();
    return exporter;
  };
  return {
    program,
    run: (...args) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' }),
    start: (...args) => launch([process.execPath, program, LISTEN, ...args]),
    startThrough: (command, ...args) => launch([...command, process.execPath, program, LISTEN, ...args]),
    remove() {
      for (const exporter of running) exporter.signal('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}
