import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCgroupMount } from '../../microsim/controller/cgroup.ts';
import { waitFor } from '../../microsim/protocol/condition.ts';
import { APART, bundle } from '../../scripts/bundle/bundle.mjs';

const ROOT = join(import.meta.dirname, '../..');

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built programs in a directory of their own, and their instances on the machine. */
export class SimSandbox {
  readonly directory = mkdtempSync(join(tmpdir(), 'sim-'));
  /** Prefix of the names of all instances. */
  readonly prefix = `t${process.pid}`;
  readonly program = join(this.directory, 'dist/lorikeet-sim.js');
  readonly #instances = new Set<string>();

  async build(): Promise<void> {
    const outdir = join(this.directory, 'dist');
    mkdirSync(outdir);
    await bundle(
      {
        'lorikeet-sim': 'microsim/main.ts',
        'lorikeet-sim-service': 'microsim/service/main.ts',
        'lorikeet-sim-load': 'microsim/load/main.ts',
        'lorikeet-sim-tracing': APART['lorikeet-sim-tracing'] ?? '',
      },
      { outdir },
    );
    for (const folder of ['topologies', 'runtimes']) {
      cpSync(join(ROOT, 'microsim', folder), join(this.directory, 'dist', folder), { recursive: true });
    }
    for (const name of ['lorikeet-sim.bpf.o', 'lorikeet-sim-delay']) {
      copyFileSync(join(ROOT, 'dist', name), join(outdir, name));
    }
    writeFileSync(join(this.directory, 'dist/package.json'), '{"type":"module"}');
  }

  stateDir(instance: string): string {
    return join(this.directory, instance);
  }

  write(name: string, text: string): string {
    const path = join(this.directory, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Runs a command of an instance to its end. */
  run(instance: string, args: readonly string[], program = this.program): Promise<Finished> {
    return new Promise((resolve) => {
      execFile(process.execPath, [program, ...this.#command(instance, args)], (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      });
    });
  }

  /** Starts a command of an instance in the foreground. */
  start(instance: string, args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [this.program, ...this.#command(instance, args)], { stdio: 'ignore' });
  }

  /** Leftovers of this sandbox's instances on the machine; empty when all are removed. */
  leftovers(instance = ''): string[] {
    const mine = `lorikeet-sim.${this.prefix}${instance}`;
    const named = (directory: string) =>
      readdirSync(directory)
        .filter((name) => name === mine || name.startsWith(instance === '' ? mine : `${mine}.`))
        .map((name) => join(directory, name));
    return [
      ...named('/run/netns'),
      ...named(findCgroupMount()),
      ...processes(this.stateDir(`${this.prefix}${instance}`)),
      ...readdirSync(this.directory).filter((name) => name.startsWith(`${this.prefix}${instance}`)),
    ];
  }

  async remove(): Promise<void> {
    for (const instance of this.#instances) await this.run(instance, ['down']);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #command(instance: string, [command = '', ...args]: readonly string[]): string[] {
    this.#instances.add(instance);
    return [command, `--name=${instance}`, `--state.dir=${this.stateDir(instance)}`, ...args];
  }
}

/** Process id -> command line, of those that contain `text`. */
function processes(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `${pid} ${readCommandLine(pid)}`)
    .filter((line) => line.includes(text));
}

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    // It has ended since its directory was listed.
    return '';
  }
}

/** Waits until `check` is true. @throws Error after `seconds` */
export async function eventually<T>(what: string, check: () => T | Promise<T>, seconds = 20): Promise<NonNullable<T>> {
  const value = await waitFor(check, seconds * 1000);
  if (value === undefined || value === null) throw new Error(`timeout after ${seconds} s: ${what}`);
  return value;
}
