import { join } from 'node:path';
import type { Trace } from '../../../scorer/traces/span.ts';
import { type Fault, readFaults } from '../../recorded/nezha/folder.ts';
import { readTraces } from '../../recorded/nezha/traces.ts';

export interface TrainTicket {
  /** Of the fault-free minute, by time. */
  readonly normal: readonly Trace[];
  /** Of the faults' minutes, by time. */
  readonly faulty: readonly Trace[];
  readonly faults: readonly Fault[];
}

/** Nezha's traces of Train Ticket. @throws TableError, TraceFileError */
export async function readTrainTicket(folder: string): Promise<TrainTicket> {
  return {
    normal: await tracesOf(join(folder, 'normal-trace')),
    faulty: await tracesOf(join(folder, 'trace')),
    faults: readFaults(join(folder, 'faults.json'), { firstMs: -Infinity, lastMs: Infinity }),
  };
}

async function tracesOf(folder: string): Promise<Trace[]> {
  const traces: Trace[] = [];
  for await (const trace of readTraces(folder)) traces.push(trace);
  return traces.sort((a, b) => startOf(a) - startOf(b));
}

export function startOf({ spans }: Trace): number {
  return spans[0]!.startMs;
}
