import type { BpfMap, BpfObject } from '../../native/index.ts';
import { readId } from '../cgroups/id.ts';

/** `struct accept_queue` of bpf/shared/tcp.h: offsets in bytes. */
const PORT = 8;
const LENGTH = 16;
const LIMIT = 20;
const NETNS = 28;

/** A listening socket. */
export interface Listener {
  readonly cgroup: bigint;
  readonly port: number;
  /** Inode of its network namespace. */
  readonly netns: number;
  /** Connections waiting to be accepted. */
  readonly length: number;
  /** Maximum of `length`. */
  readonly limit: number;
}

/**
 * Runs the BPF program that reads the accept queues of all listening sockets and counts their drops. Returns the
 * listening sockets. The cost does not depend on the number of open connections.
 *
 * @param dismiss says whose rows to delete
 * @throws BpfError BPF_RUN if the program cannot run, BPF_MAP if the map cannot be read.
 */
export function readListeners(
  object: Pick<BpfObject, 'run'>,
  acceptQueues: BpfMap,
  dismiss: (cgroup: bigint) => boolean = () => false,
): readonly Listener[] {
  object.run('read_accept_queues');
  const { count, keys, values } = acceptQueues.read();
  const listeners: Listener[] = [];
  for (let row = 0; row < count; row++) {
    const start = row * acceptQueues.valueSize;
    const port = values.readUInt16LE(start + PORT);
    const cgroup = readId(values, start);
    if (port === 0 || dismiss(cgroup))
      acceptQueues.delete(keys.subarray(row * acceptQueues.keySize, (row + 1) * acceptQueues.keySize));
    else
      listeners.push({
        cgroup,
        port,
        netns: values.readUInt32LE(start + NETNS),
        length: values.readUInt32LE(start + LENGTH),
        limit: values.readUInt32LE(start + LIMIT),
      });
  }
  return listeners;
}
