import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { findCgroupMount } from '../microsim/controller/cgroup.ts';

/** Where version 1 of cgroups limits memory, if it does. */
const MEMORY_CGROUPS = '/sys/fs/cgroup/memory';

/** Everything on the machine that may come from a test of this project, by name. */
function traces(): Set<string> {
  const found = new Set<string>();
  for (const line of execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n')) {
    const name = line.split(' ')[0] ?? '';
    if (name.startsWith('lorikeet')) found.add(`network namespace ${name}`);
  }
  for (const root of [findCgroupMount(), MEMORY_CGROUPS].filter(existsSync))
    for (const name of readdirSync(root)) if (name.startsWith('lorikeet')) found.add(`cgroup ${root}/${name}`);
  for (const pin of existsSync('/sys/fs/bpf') ? readdirSync('/sys/fs/bpf') : []) found.add(`pin ${pin}`);
  for (const orphan of orphans()) found.add(orphan);
  return found;
}

/** Orphaned programs of this checkout. */
function orphans(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return parent === '1' && command.includes(`${process.cwd()}/`) ? [`process ${pid} ${command}`] : [];
    } catch {
      // It has ended in the meantime.
      return [];
    }
  });
}

/** Other test runs may be active: names with the id of a running process belong to them. */
function isInUse(trace: string): boolean {
  return (trace.match(/\d+/g) ?? []).some((number) => Number(number) > 1 && existsSync(`/proc/${number}`));
}

/** Runs around the whole suite: anything new that is left afterwards is an error. */
export function setup(): () => void {
  const before = traces();
  return () => {
    const left = [...traces()].filter((trace) => !before.has(trace) && !isInUse(trace));
    if (left.length === 0) return;
    // vitest only prints errors of a teardown: set the exit status as well.
    process.exitCode = 1;
    throw new Error(`the tests left behind:\n${left.join('\n')}`);
  };
}
