import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { findCgroupMount } from '../microsim/controller/cgroup.ts';

/** Everything on the machine that a test of this project may have made, by name. */
function traces(): Set<string> {
  const found = new Set<string>();
  for (const line of execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n')) {
    const name = line.split(' ')[0] ?? '';
    if (name.startsWith('lorikeet')) found.add(`network namespace ${name}`);
  }
  for (const name of readdirSync(findCgroupMount())) if (name.startsWith('lorikeet')) found.add(`cgroup ${name}`);
  for (const pin of existsSync('/sys/fs/bpf') ? readdirSync('/sys/fs/bpf') : []) found.add(`pin ${pin}`);
  for (const orphan of orphans()) found.add(orphan);
  return found;
}

/** Programs of this checkout whose parent is gone. */
function orphans(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return parent === '1' && command.includes(`${process.cwd()}/`) ? [`process ${pid} ${command}`] : [];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}

/** Somebody else's tests may run beside ours: what carries the id of a living process is theirs to clean up. */
function isInUse(trace: string): boolean {
  return (trace.match(/\d+/g) ?? []).some((number) => Number(number) > 1 && existsSync(`/proc/${number}`));
}

/** Runs around the whole suite: what wasn't there before must not be there afterwards. */
export function setup(): () => void {
  const before = traces();
  return () => {
    const left = [...traces()].filter((trace) => !before.has(trace) && !isInUse(trace));
    if (left.length === 0) return;
    // vitest only prints what a teardown throws; the exit status must tell.
    process.exitCode = 1;
    throw new Error(`the tests left behind:\n${left.join('\n')}`);
  };
}
