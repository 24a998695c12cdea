import { SimError } from '../protocol/error.ts';
import { existsSync, mkdirSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { findCgroupMount, removeCgroup } from './cgroup.ts';
import { listNetns, netnsPath, removeNetns } from './network.ts';
import { renderText } from '../../daemon/secrets/redact.ts';

export const DEFAULT_STATE_ROOT = '/run/lorikeet-sim';
/** Parts that are not services start with an underscore, which is not allowed in names of services. */
export const CONTROLLER = '_controller';
export const LOAD = '_load';
export const HUB = '_hub';

const MARKER = 'instance';
const LOG = 'controller.log';

/**
 * The names of everything that an instance of the simulation owns outside of its processes. The dot
 * after the instance's name, which no name contains, separates the instance `web` from `web-shop`.
 */
export class Instance {
  readonly name: string;
  readonly stateDir: string;
  readonly #prefix: string;

  constructor(name: string, stateDir?: string) {
    if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(name)) {
      throw new SimError(`name: expected lower-case letters, digits and hyphens, got ${renderText(name)}`);
    }
    this.name = name;
    this.stateDir = stateDir ?? join(DEFAULT_STATE_ROOT, name);
    this.#prefix = `lorikeet-sim.${name}`;
  }

  /** Path below the cgroup2 mount, as in targets files. */
  cgroup(part?: string): string {
    return part === undefined ? `/${this.#prefix}` : `/${this.#prefix}/${part}`;
  }

  cgroupPath(part?: string): string {
    return join(findCgroupMount(), this.cgroup(part));
  }

  netns(part: string): string {
    return `${this.#prefix}.${part}`;
  }

  netnsPath(part: string): string {
    return netnsPath(this.netns(part));
  }

  file(name: string): string {
    return join(this.stateDir, name);
  }

  get socket(): string {
    return this.file('api.sock');
  }

  /** Where services send their spans. */
  get traceSocket(): string {
    return this.file('traces.sock');
  }

  get log(): string {
    return this.file(LOG);
  }

  get targetsFile(): string {
    return this.file('targets.yaml');
  }

  /**
   * Holds the name for this process: a UNIX socket in the abstract namespace, which the kernel gives to
   * one process at a time and frees when the process ends.
   *
   * @returns undefined if another process holds it.
   */
  lock(): Promise<Server | undefined> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => socket.destroy());
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') resolve(undefined);
        else reject(error);
      });
      server.listen(`\0${this.#prefix}`, () => resolve(server.unref()));
    });
  }

  /**
   * Makes the state directory and marks it, so that no other directory is ever removed.
   *
   * @throws SimError if it has other contents.
   */
  createStateDir(): void {
    mkdirSync(this.stateDir, { recursive: true });
    if (readdirSync(this.stateDir).length > 0 && !existsSync(this.file(MARKER))) {
      throw new SimError(`${this.stateDir}: not empty and not a state directory of lorikeet-sim`);
    }
    writeFileSync(this.file(MARKER), `${this.name}\n`);
  }

  /** Removes files of an earlier controller from the state directory, except the current log. */
  clearStateDir(): void {
    for (const entry of readdirSync(this.stateDir)) {
      if (entry !== MARKER && entry !== LOG) rmSync(this.file(entry), { recursive: true, force: true });
    }
  }

  /**
   * Kills every process of the instance and removes its cgroups and namespaces. Finds them by name, in any
   * state of the instance; does nothing if there are none.
   */
  async removeProcesses(): Promise<void> {
    await removeCgroup(this.cgroupPath());
    await removeNetns(listNetns(this.netns('')));
  }

  removeStateDir(): void {
    if (existsSync(this.file(MARKER))) rmSync(this.stateDir, { recursive: true, force: true });
    for (const directory of [this.stateDir, dirname(this.stateDir)]) {
      if (directory.startsWith(`${DEFAULT_STATE_ROOT}/`) || directory === DEFAULT_STATE_ROOT) removeIfEmpty(directory);
    }
  }
}

/** @throws SimError */
export function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new SimError('must run as root: it creates network namespaces and cgroups');
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}
