import { BpfError, type BpfObject } from '../../native/index.ts';
import type { Refusal } from './refusal.ts';

const PROGRAM = 'adopt_sockets';

/**
 * Starts to track sockets older than the BPF programs, if `adopt_sockets` runs.
 *
 * @returns the refusal by the kernel; undefined on success.
 */
export async function adoptSockets(object: BpfObject, running: ReadonlySet<string>): Promise<Refusal | undefined> {
  if (!running.has(PROGRAM)) return undefined;
  try {
    await object.readIterator(PROGRAM);
    return undefined;
  } catch (error) {
    if (error instanceof BpfError) return { program: PROGRAM, at: 'run', error };
    throw error;
  }
}
