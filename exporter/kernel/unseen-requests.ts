import type { Logger } from '../../daemon/logger.ts';
import { BpfError, type BpfObject } from '../../native/index.ts';

/**
 * They see bytes when they are read without a receive call, at a cost to every receive call and every close
 * (bpf/shared/unseen.bpf.h).
 */
const PROGRAMS = ['tcp_rcv_space_adjust', 'tcp_destroy_sock'] as const;
const MAP = 'unseen_requests';

/**
 * Returns a function that reads the number of requests without a duration: they, or their responses, were read without a
 * receive call, such as by splice(). With the first of them, it attaches the programs that see such reads. Attaching a
 * loaded program needs no capability.
 */
export function unseenRequests(object: BpfObject, logger: Logger): () => number {
  // A refused map: without it, no program counts requests.
  if (!object.maps.includes(MAP)) return () => 0;
  const map = object.map(MAP);
  let watching = false;
  return () => {
    const count = map.readSums().words[0] ?? 0;
    if (count === 0 || watching) return count;
    watching = true;
    logger.info('watching reads without receive calls', { lost_requests: count });
    for (const program of PROGRAMS) attach(object, program, logger);
    return count;
  };
}

function attach(object: BpfObject, program: string, logger: Logger): void {
  try {
    object.attach(program);
  } catch (thrown) {
    if (!(thrown instanceof BpfError)) throw thrown;
    const error = object.refused.get(program) ?? thrown;
    const lost = 'requests, edges: requests that are read without receive calls, such as by splice()';
    logger.warn('BPF program not running', { program, errno: error.errno, error, lost });
  }
}

/** Adds them to the lost events of the map `services`. */
export function addUnseen(lost: ReadonlyMap<string, number>, unseen: number): ReadonlyMap<string, number> {
  return new Map(lost).set('services', (lost.get('services') ?? 0) + unseen);
}
