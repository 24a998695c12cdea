import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { workloadOf } from './pod-name.ts';
import { parseTime, readTable, readText, type Table, TableError } from './table.ts';

export interface Pod {
  readonly pod: string;
  readonly service: string;
  readonly table: Table;
}

/** Latencies of edges, with a column `caller_callee` for each. */
export interface EdgeTable {
  /** The end of the call that measured: the caller (source) or the callee (destination). */
  readonly side: 'source' | 'destination';
  /** `50` for the median. */
  readonly percentile: string;
  readonly table: Table;
}

export interface Fault {
  readonly startMs: number;
  readonly service: string;
  readonly pod: string;
  readonly type: string;
}

export interface Folder {
  readonly pods: readonly Pod[];
  readonly edges: readonly EdgeTable[];
  /** In chronological order. */
  readonly faults: readonly Fault[];
}

const POD_FILE = /^(.+)_metric\.csv(?:\.gz)?$/;
const EDGE_FILE = /^(source|destination)_(\d+)\.csv(?:\.gz)?$/;
const FAULT_FILE = /^(?:.+-)?(?:faults|fault_list)\.json(?:\.gz)?$/;

const faultSchema = z.object({
  inject_time: z.string(),
  inject_timestamp: z.union([z.string(), z.number()]).optional(),
  inject_pod: z.string(),
  inject_type: z.string(),
});
const faultListSchema = z.union([z.record(z.string(), z.array(faultSchema)), z.array(faultSchema)]);

/**
 * Reads `metric/<pod>_metric.csv`, the edge files if there are any, and the list of faults, all plain or gzipped.
 *
 * @throws TableError naming the file
 */
export function readFolder(folder: string): Folder {
  const metrics = join(folder, 'metric');
  const files = readdirSync(metrics).sort();
  const pods = files.flatMap((file) => {
    const pod = POD_FILE.exec(file)?.[1];
    return pod === undefined ? [] : [{ pod, service: workloadOf(pod), table: readTable(join(metrics, file)) }];
  });
  if (pods.length === 0) throw new TableError(`${metrics}: expected files named <pod>_metric.csv`);
  const edges = files.flatMap((file) => {
    const [, side, percentile = ''] = EDGE_FILE.exec(file) ?? [];
    if (side !== 'source' && side !== 'destination') return [];
    return [{ side, percentile, table: readTable(join(metrics, file)) } as const];
  });
  const faultFile = readdirSync(folder).find((file) => FAULT_FILE.test(file));
  if (faultFile === undefined) throw new TableError(`${folder}: expected faults.json or <day>-fault_list.json`);
  return { pods, edges, faults: readFaults(join(folder, faultFile), timeRange(pods)) };
}

/** First and last time in the rows of all pods. */
export function timeRange(pods: readonly Pod[]): { readonly firstMs: number; readonly lastMs: number } {
  const firstMs = Math.min(...pods.map(({ table }) => table.timesMs[0] ?? Infinity));
  const lastMs = Math.max(...pods.map(({ table }) => table.timesMs.at(-1) ?? -Infinity));
  return { firstMs, lastMs };
}

/**
 * `inject_time` is in UTC like the times of rows. If it is outside of their range, but `inject_timestamp` is inside, it
 * was written in another time zone: use the timestamp.
 */
export function readFaults(path: string, { firstMs, lastMs }: { firstMs: number; lastMs: number }): Fault[] {
  const parsed = faultListSchema.safeParse(JSON.parse(readText(path)));
  if (!parsed.success) throw new TableError(`${path}: expected a list of faults: ${z.prettifyError(parsed.error)}`);
  const within = (timeMs: number) => timeMs >= firstMs && timeMs <= lastMs;
  const list = Array.isArray(parsed.data) ? parsed.data : Object.values(parsed.data).flat();
  const faults = list.map((fault) => {
    const [written, counted] = [parseTime(fault.inject_time), Number(fault.inject_timestamp) * 1000];
    const startMs = !within(written) && within(counted) ? counted : written;
    if (Number.isNaN(startMs)) throw new TableError(`${path}: expected a time, got "${fault.inject_time}"`);
    const pod = basename(fault.inject_pod);
    return { startMs, service: workloadOf(pod), pod, type: fault.inject_type };
  });
  return faults.sort((a, b) => a.startMs - b.startMs);
}
