import type { Random } from '../../../../scorer/numeric/random.ts';
import { binomial } from './counts.ts';
import { type Duration, logarithm, partWithin, withinShare } from './duration.ts';

/** Upper bounds of the exporter's histograms, seconds: powers of two, 2^-16 to 2^5. */
export const BOUNDS: readonly number[] = Array.from({ length: 22 }, (_, index) => 2 ** (index - 16));
/** Up to this number of requests, each duration is drawn; of more, the number within each bound. */
const FEW = 48;

/** What became of some requests. */
export interface Answers {
  readonly answered: number;
  /** Seconds of the answered ones together. */
  readonly seconds: number;
  /** Answered ones by bound, not cumulative; the last is beyond all bounds. */
  readonly buckets: readonly number[];
  /** Those that the client gave up on. */
  readonly unanswered: number;
}

/** Draws how long requests take. @param timeout after which the client closes its connection, seconds */
export function drawAnswers(random: Random, requests: number, duration: Duration, timeout: number): Answers {
  return requests <= FEW
    ? drawEach(random, requests, duration, timeout)
    : drawMany(random, requests, duration, timeout);
}

function drawEach(random: Random, requests: number, duration: Duration, timeout: number): Answers {
  const buckets = Array<number>(BOUNDS.length + 1).fill(0);
  const { mean, deviation } = logarithm(duration);
  let [answered, seconds] = [0, 0];
  for (let request = 0; request < requests; request++) {
    const lasted = duration.mean > 0 ? Math.exp(mean + deviation * random.normal()) : 0;
    if (lasted > timeout) continue;
    answered++;
    seconds += lasted;
    buckets[bucketOf(lasted)]! += 1;
  }
  return { answered, seconds, buckets, unanswered: requests - answered };
}

/** As `drawEach`: numbers by bound are multinomial, and each has the mean of the log-normal between its bounds. */
function drawMany(random: Random, requests: number, duration: Duration, timeout: number): Answers {
  const buckets = Array<number>(BOUNDS.length + 1).fill(0);
  let [left, below, partBelow, seconds, answered] = [requests, 0, 0, 0, 0];
  for (let index = 0; index < buckets.length && left > 0 && below < 1; index++) {
    const bound = Math.min(BOUNDS[index] ?? Infinity, timeout);
    const [within, part] =
      bound === Infinity ? [1, duration.mean] : [withinShare(duration, bound), partWithin(duration, bound)];
    const share = within - below;
    if (share > 0) {
      const drawn = binomial(random, left, Math.min(1, share / (1 - below)));
      buckets[index] = drawn;
      answered += drawn;
      seconds += (drawn * (part - partBelow)) / share;
      left -= drawn;
    }
    [below, partBelow] = [within, part];
    if (bound === timeout) break;
  }
  return { answered, seconds, buckets, unanswered: requests - answered };
}

function bucketOf(seconds: number): number {
  const index = Math.ceil(Math.log2(seconds)) + 16;
  return Math.min(BOUNDS.length, Math.max(0, index));
}
