import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Runs and CPU time of a BPF program since it was loaded, while statistics were enabled. */
export interface ProgramCost {
  readonly name: string;
  readonly runs: number;
  readonly ns: number;
}

const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';

/**
 * Runs `work` while the kernel counts and times runs of BPF programs, and restores the setting. This adds some tens of
 * nanoseconds to a run, which are partly included in the time: the results are upper bounds.
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

/** The costs of the BPF programs of a process, by id. */
export function programCosts(pid: number): ReadonlyMap<number, ProgramCost> {
  return new Map(
    programIds(pid).map((id) => {
      const shown = execFileSync('bpftool', ['-j', 'prog', 'show', 'id', String(id)], { encoding: 'utf8' });
      return [id, parseProgram(shown)];
    }),
  );
}

/** The ids of programs and links in the file descriptors of a process. */
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

/** The id of the program in a file of /proc/<pid>/fdinfo, if any. */
export function parseIds(fdinfo: string): readonly number[] {
  return [...fdinfo.matchAll(/^prog_id:\s+(\d+)$/gm)].map(([, id]) => Number(id));
}

/** bpftool omits counts of zero. */
export function parseProgram(json: string): ProgramCost {
  const { name, run_cnt, run_time_ns } = JSON.parse(json) as {
    readonly name?: string;
    readonly run_cnt?: number;
    readonly run_time_ns?: number;
  };
  return { name: name ?? '', runs: run_cnt ?? 0, ns: run_time_ns ?? 0 };
}

/** The cost of each program between two readings. */
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
