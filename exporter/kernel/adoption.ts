import { BpfError, type BpfObject } from '../../native/index.ts';
import type { Refusal } from './refusal.ts';

const PROGRAM = 'adopt_sockets';

/**
 * Begins to follow the sockets of processes that are older than the programs, where that program runs.
 *
 * @returns why the kernel refused; undefined when it went well.
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
