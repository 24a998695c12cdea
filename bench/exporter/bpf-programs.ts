import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** What one BPF program has cost since it was loaded, as far as statistics were on. */
export interface ProgramCost {
  readonly name: string;
  readonly runs: number;
  readonly ns: number;
}

const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';

/**
 * Runs `work` while the kernel counts and times runs of BPF programs, and leaves the setting as it was. Counting costs
 * a run some tens of nanoseconds, part of which it counts itself: costs told are on the safe side.
 */
export async function withStatistics<T>(work: () => Promise<T>): Promise<T> {
  const before = readFileSync(SWITCH, 'utf8');
  writeFileSync(SWITCH, '1');
  try {
    return await work();
  } finally {
    writeFileSync(SWITCH, before);
  }
}

/** The costs of the BPF programs that a process holds, by their ids. No others are looked at. */
export function programCosts(pid: number): ReadonlyMap<number, ProgramCost> {
  return new Map(
    programIds(pid).map((id) => {
      const shown = execFileSync('bpftool', ['-j', 'prog', 'show', 'id', String(id)], { encoding: 'utf8' });
      return [id, parseProgram(shown)];
    }),
  );
}

/** Of the programs and links among a process's files. */
export function programIds(pid: number): readonly number[] {
  const folder = `/proc/${pid}/fdinfo`;
  const ids = readdirSync(folder).flatMap((file) => parseIds(readIfOpen(`${folder}/${file}`)));
  return [...new Set(ids)].sort((a, b) => a - b);
}

function readIfOpen(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The program that a file of /proc/<pid>/fdinfo names, if any. */
export function parseIds(fdinfo: string): readonly number[] {
  return [...fdinfo.matchAll(/^prog_id:\s+(\d+)$/gm)].map(([, id]) => Number(id));
}

/** bpftool leaves the counts out while they are zero. */
export function parseProgram(json: string): ProgramCost {
  const { name, run_cnt, run_time_ns } = JSON.parse(json) as {
    readonly name?: string;
    readonly run_cnt?: number;
    readonly run_time_ns?: number;
  };
  return { name: name ?? '', runs: run_cnt ?? 0, ns: run_time_ns ?? 0 };
}

/** What each program cost between two readings. */
export function costsBetween(
  before: ReadonlyMap<number, ProgramCost>,
  after: ReadonlyMap<number, ProgramCost>,
): readonly ProgramCost[] {
  return [...after].map(([id, { name, runs, ns }]) => {
    const earlier = before.get(id);
    return { name, runs: runs - (earlier?.runs ?? 0), ns: ns - (earlier?.ns ?? 0) };
  });
}

export function totalNs(costs: readonly ProgramCost[]): number {
  return costs.reduce((sum, { ns }) => sum + ns, 0);
}
