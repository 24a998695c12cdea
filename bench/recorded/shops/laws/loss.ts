import { lasting, type Duration, oneOf } from './duration.ts';

/** Least time until TCP sends a lost segment again, as Linux has it, seconds. */
const RETRANSMISSION_SECONDS = 0.2;
/** Segments of a request and its response whose loss is waited for. */
const SEGMENTS = 3;

/**
 * What the loss of packets adds to a call: the retransmission timeout for each loss, which doubles if the segment is lost
 * again (RFC 6298): sum of p^k · 2^(k-1) · RTO over the segments, of those calls that lose any.
 *
 * @param loss share of the packets that are lost, below 0.5
 */
export function lossDelay(loss: number): Duration {
  const hit = 1 - (1 - loss) ** SEGMENTS;
  if (hit <= 0) return lasting(0, 0);
  const each = (SEGMENTS * loss * RETRANSMISSION_SECONDS) / (1 - 2 * loss);
  return oneOf([
    [hit, lasting(each / hit, 0.5)],
    [1 - hit, lasting(0, 0)],
  ]);
}
