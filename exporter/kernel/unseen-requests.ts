import type { Logger } from '../../daemon/logger.ts';
import { BpfError, type BpfObject } from '../../native/index.ts';

/** Sees bytes when they are read without a receive call, at a cost to every receive call (bpf/shared/unseen.bpf.h). */
const PROGRAM = 'tcp_rcv_space_adjust';
const MAP = 'unseen_requests';

/**
 * Returns a function that reads the number of requests without a duration: they, or their responses, were read without a
 * receive call, such as by splice(). With the first of them, it attaches the program that sees such reads. Attaching a
 * loaded program needs no capability.
 */
export function unseenRequests(object: BpfObject, logger: Logger): () => number {
  // A refused map: without it, no program counts requests.
  if (!object.maps.includes(MAP)) return () => 0;
  const map = object.map(MAP);
  let attached = false;
  return () => {
    const count = map.readSums().words[0] ?? 0;
    if (count === 0 || attached) return count;
    attached = true;
    try {
      object.attach(PROGRAM);
      logger.info('watching reads without receive calls', { program: PROGRAM, lost_requests: count });
    } catch (thrown) {
      if (!(thrown instanceof BpfError)) throw thrown;
      const error = object.refused.get(PROGRAM) ?? thrown;
      logger.warn('BPF program not running', {
        program: PROGRAM,
        errno: error.errno,
        error,
        lost: 'requests, edges: requests that are read without receive calls, such as by splice()',
      });
    }
    return count;
  };
}

/** Adds them to the lost events of the map `requests`. */
export function addUnseen(lost: ReadonlyMap<string, number>, unseen: number): ReadonlyMap<string, number> {
  return new Map(lost).set('requests', (lost.get('requests') ?? 0) + unseen);
}
