import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cgroupMounts } from '../../../daemon/cgroup-mount.ts';
import { Processes } from '../../demo/processes.ts';

/** Relative to the repository, in which npm and vitest run. */
const SCRIPTS = 'scripts/cluster/machine';
const JANITOR = join(SCRIPTS, 'janitor.sh');
const START_MS = 30_000;
const MAX_OUTPUT_BYTES = 2 ** 28;

/** The network of the control plane, beside those of the nodes. */
export const CONTROL_PLANE = '-';

/** Directory of all clusters of this user, one each, which records what there is to remove. */
export function clustersFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'lorikeet/clusters');
}

/**
 * A part of this computer with its own processes, mounts, networks and cgroup, for the programs of a cluster. It shares the
 * kernel and the files. It ends with this process, however that ends: the kernel ends all of its processes, and a janitor, a
 * process of its own, removes cgroups and files. If the janitor is killed too, the next start removes them.
 */
export class Machine {
  /** For all files of the cluster. It is removed with it. */
  readonly folder: string;
  /** Name of its cgroup below the mount of each hierarchy. */
  readonly name: string;
  readonly #processes: Processes;
  readonly #janitor: ChildProcess;

  private constructor(folder: string, name: string, janitor: ChildProcess) {
    this.folder = folder;
    this.name = name;
    this.#janitor = janitor;
    mkdirSync(join(folder, 'log'));
    this.#processes = new Processes(join(folder, 'log'));
  }

  /**
   * Removes what was left of former clusters, and starts a machine with a network for each node.
   *
   * @throws Error if it does not start; then nothing is left
   */
  static async start(nodes: readonly string[], parent = clustersFolder()): Promise<Machine> {
    mkdirSync(parent, { recursive: true });
    await promisify(execFile)('bash', [JANITOR, '--former', parent]);
    const name = `lorikeet-cluster-${process.pid}`;
    const cgroups = cgroupMounts().map((mount) => ({ path: join(mount.path, name), unified: mount.version === 2 }));
    const folder = record(
      parent,
      name,
      cgroups.map(({ path }) => path),
    );
    const janitor = spawn('bash', [JANITOR, folder], {
      // Ctrl-C is for this process, which ends the janitor's input.
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const machine = new Machine(folder, name, janitor);
    try {
      for (const { path, unified } of cgroups) {
        for (const part of [...nodes, ...(unified ? ['system'] : [])]) mkdirSync(join(path, part), { recursive: true });
      }
      await machine.#boot(nodes);
      return machine;
    } catch (error) {
      await machine.stop();
      throw error;
    }
  }

  /** Starts process 1. It ends with this process, by `--pdeathsig` and `--kill-child`. */
  async #boot(nodes: readonly string[]): Promise<void> {
    const enterCgroup = 'echo $$ >"$0" && exec "$@"';
    const procs = readFileSync(join(this.folder, 'cgroups'), 'utf8')
      .split('\n')
      .map((path) => join(path, 'system'));
    const system = procs.find((path) => existsSync(path));
    if (system === undefined) throw new Error('no cgroup2 file system is mounted');
    const own = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL'];
    const init = ['unshare', ...own, 'bash', resolve(SCRIPTS, 'init.sh'), this.folder, ...nodes];
    const args = ['--pdeathsig=KILL', 'sh', '-c', enterCgroup, join(system, 'cgroup.procs'), ...init];
    this.#processes.start('init', 'setpriv', args);
    const deadline = Date.now() + START_MS;
    while (!existsSync(join(this.folder, 'init'))) {
      this.check();
      if (Date.now() > deadline) throw new Error(`the machine did not start: ${this.#processes.lastLines('init')}`);
      await sleep(50);
    }
  }

  /** Runs a command to its end, in the network of a node, and resolves with its output. @throws Error with its message. */
  async run(network: string, args: readonly string[], { stdin = '', env = {} }: RunOptions = {}): Promise<string> {
    const [command, ...rest] = this.#enter(network, args);
    const running = promisify(execFile)(command, rest, {
      env: { ...process.env, ...env },
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    // EPIPE: the command has ended without reading all of its input.
    running.child.stdin?.on('error', () => undefined).end(stdin);
    return (await running).stdout;
  }

  /** Starts a program that runs until the machine is stopped; its output goes to `log/<name>.log`. */
  daemon(name: string, network: string, args: readonly string[]): void {
    const [command, ...rest] = this.#enter(network, args);
    this.#processes.start(name, command, rest);
  }

  /** The last log lines of a program, to explain a failure. */
  lastLines(daemon: string): string {
    return this.#processes.lastLines(daemon);
  }

  /** @throws Error with the last log lines of a program that has ended. */
  check(): void {
    this.#processes.check();
  }

  /** Ends all processes, and removes everything. Idempotent. @throws Error if something is left. */
  async stop(): Promise<void> {
    const janitor = this.#janitor;
    const runs = janitor.exitCode === null && janitor.signalCode === null;
    const ended = runs ? new Promise<void>((done) => janitor.once('exit', () => done())) : undefined;
    janitor.stdin?.end();
    await ended;
    // Only if the janitor was killed.
    if (existsSync(this.folder))
      await promisify(execFile)('sh', ['-c', `bash "$0" "$1" </dev/null`, JANITOR, this.folder]);
    await this.#processes.stop();
  }

  #enter(network: string, args: readonly string[]): [string, ...string[]] {
    return ['sh', join(SCRIPTS, 'enter.sh'), this.folder, network, ...args];
  }
}

export interface RunOptions {
  readonly stdin?: string;
  /** In addition to this process' variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Creates the folder of a cluster, complete with the record of what there is to remove. */
function record(parent: string, name: string, cgroups: readonly string[]): string {
  const unfinished = mkdtempSync(join(parent, '.new-'));
  writeFileSync(join(unfinished, 'cgroups'), cgroups.map((path) => `${path}\n`).join(''));
  writeFileSync(join(unfinished, 'owner'), `${process.pid} ${startOf('self')}\n`);
  const folder = join(parent, name);
  renameSync(unfinished, folder);
  return folder;
}

/** When a process started, in clock ticks since boot: the 22nd field of its stat, whose second may contain spaces. */
function startOf(pid: 'self'): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
