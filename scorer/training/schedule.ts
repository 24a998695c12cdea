/**
 * How the learning rate changes: not at all, or along half a cosine down to 5 % of the initial one (Loshchilov and
 * Hutter 2017).
 */
export type Schedule = 'constant' | 'cosine';

/** Final learning rate, as a share of the initial one. */
const FINAL_RATE_SHARE = 0.05;

/**
 * The learning rate as a share of the initial one.
 *
 * @param progress of the run, from 0 to 1
 */
export function rateShare(schedule: Schedule, progress: number): number {
  if (schedule === 'constant') return 1;
  return FINAL_RATE_SHARE + ((1 - FINAL_RATE_SHARE) * (1 + Math.cos(Math.PI * progress))) / 2;
}
