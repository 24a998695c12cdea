import type { BpfMap, BpfObject } from '../../native/index.ts';
import { readId } from '../cgroups/id.ts';

/** `struct accept_queue` of bpf/tcp.h: offsets in bytes. */
const PORT = 8;
const LENGTH = 16;
const LIMIT = 20;

/** A socket that is listened on. */
export interface Listener {
  readonly cgroup: bigint;
  readonly port: number;
  /** Connections that wait to be accepted. */
  readonly length: number;
  /** How many may wait. */
  readonly limit: number;
}

/**
 * Has the kernel look at the accept queue of every listening socket, books their drops, and gives the listening sockets.
 * Costs nothing for connections, however many are open.
 *
 * @throws BpfError BPF_RUN where the kernel doesn't run the program, BPF_MAP where the map can't be read.
 */
export function readListeners(object: BpfObject, acceptQueues: BpfMap): readonly Listener[] {
  object.run('read_accept_queues');
  const { count, keys, values } = acceptQueues.read();
  const listeners: Listener[] = [];
  for (let row = 0; row < count; row++) {
    const start = row * acceptQueues.valueSize;
    const port = values.readUInt16LE(start + PORT);
    if (port === 0) acceptQueues.delete(keys.subarray(row * acceptQueues.keySize, (row + 1) * acceptQueues.keySize));
    else
      listeners.push({
        cgroup: readId(values, start),
        port,
        length: values.readUInt32LE(start + LENGTH),
        limit: values.readUInt32LE(start + LIMIT),
      });
  }
  return listeners;
}
