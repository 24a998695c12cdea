import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findCgroupMount } from '../../../exporter/cgroups/cgroup.ts';
import { until } from '../../until.ts';

/** A cgroup of a sandbox; `id` is its key in the kernel's maps. */
export interface Cgroup {
  readonly path: string;
  readonly id: bigint;
}

/** A network namespace with its loopback interface up, and a cgroup, both removed after the test. */
export interface Sandbox {
  readonly netns: string;
  readonly cgroup: Cgroup;
  /** A cgroup below the sandbox's own. */
  childCgroup(name: string): Cgroup;
  /** Starts a program of `traffic/` in both. Its first line of output, a JSON value, means that it is ready. */
  start(cgroup: Cgroup, program: string, options: object): Promise<Traffic>;
  /** Runs a program of `traffic/`, or any by its absolute path, to its end. Returns its last line, a JSON value. */
  run(cgroup: Cgroup, program: string, options: object): Promise<unknown>;
  /** Runs a command in the network namespace and returns its output. */
  configure(...command: readonly string[]): string;
}

/** A running traffic program. */
export interface Traffic {
  readonly ready: unknown;
  /** Writes a line to its standard input and returns the response line. */
  ask(line: string): Promise<unknown>;
  /** Closes its standard input, which ends it, and returns its last line. */
  stop(): Promise<unknown>;
}

export const TRAFFIC = join(dirname(fileURLToPath(import.meta.url)), '../traffic');
let sandboxes = 0;

export async function withSandbox<T>(work: (sandbox: Sandbox) => Promise<T>): Promise<T> {
  const name = `lorikeet-test-${process.pid}-${sandboxes++}`;
  const undo: Undo[] = [];
  try {
    execFileSync('ip', ['netns', 'add', name]);
    undo.push(() => void execFileSync('ip', ['netns', 'delete', name]));
    execFileSync('ip', ['-netns', name, 'link', 'set', 'lo', 'up']);
    return await work(makeSandbox(name, undo));
  } finally {
    await undoAll(undo);
  }
}

type Undo = () => void | Promise<void>;

/** Removes everything in reverse order, even if a step fails: a failed test leaves nothing behind. */
async function undoAll(steps: readonly Undo[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps.toReversed()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the sandbox was not removed completely');
}

function makeSandbox(netns: string, undo: Undo[]): Sandbox {
  const inNamespace = ['nsenter', `--net=/run/netns/${netns}`, '--'];
  const makeCgroup = (path: string): Cgroup => {
    mkdirSync(path);
    undo.push(async () => {
      await endProcesses(path);
      rmdirSync(path);
    });
    return { path, id: statSync(path, { bigint: true }).ino };
  };
  const cgroup = makeCgroup(join(findCgroupMount(), netns));

  const launch = (at: Cgroup, program: string, options: object): ChildProcess => {
    const enter = 'echo $$ > "$0/cgroup.procs"; exec "$@"';
    const script = [process.execPath, join(TRAFFIC, program)];
    const command = [...(isAbsolute(program) ? [program] : script), JSON.stringify(options)];
    const child = spawn('sh', ['-c', enter, at.path, ...inNamespace, ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    undo.push(() => end(child));
    return child;
  };

  return {
    netns,
    cgroup,
    childCgroup: (name) => makeCgroup(join(cgroup.path, name)),
    configure: (...command) => execFileSync('nsenter', [...inNamespace.slice(1), ...command], { encoding: 'utf8' }),
    async start(at, program, options) {
      const child = launch(at, program, options);
      const lines = readLines(child);
      const ready = JSON.parse(await lines.first) as unknown;
      return {
        ready,
        async ask(line) {
          const answer = lines.next();
          child.stdin?.write(`${line}\n`);
          return JSON.parse(await answer) as unknown;
        },
        async stop() {
          child.stdin?.end();
          return JSON.parse(await lines.last) as unknown;
        },
      };
    },
    async run(at, program, options) {
      const child = launch(at, program, options);
      child.stdin?.end();
      return JSON.parse(await readLines(child).last) as unknown;
    },
  };
}

interface Lines {
  readonly first: Promise<string>;
  readonly last: Promise<string>;
  next(): Promise<string>;
}

/** The first, next and last line of a program's output; rejects if it fails. */
function readLines(child: ChildProcess): Lines {
  if (child.stdout === null) throw new Error('traffic program without standard output');
  const lines = createInterface(child.stdout);
  const next = () => once(lines, 'line').then(([line]) => String(line));
  const first = next();
  const exited = once(child, 'close');
  let latest = '';
  lines.on('line', (line) => (latest = line));
  const last = exited.then(([code]) => {
    if (code !== 0) throw new Error(`traffic program exited with ${String(code)}`);
    return latest;
  });
  const failed = last.then(() => Promise.reject(new Error('traffic program ended without a line')));
  last.catch(() => undefined);
  failed.catch(() => undefined);
  return { first: Promise.race([first, failed]), last, next: () => Promise.race([next(), failed]) };
}

/** Kills the remaining processes of a failed test, which would prevent the removal of the cgroup. */
async function endProcesses(cgroup: string): Promise<void> {
  const populated = () => /^populated 1$/m.test(readFileSync(join(cgroup, 'cgroup.events'), 'utf8'));
  if (!populated()) return;
  writeFileSync(join(cgroup, 'cgroup.kill'), '1');
  await until(`the end of the processes in ${cgroup}`, () => (populated() ? undefined : true));
}

/** An ended process leaves its cgroup when it is reaped. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
