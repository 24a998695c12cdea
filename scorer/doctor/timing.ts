import { SCORER_DEFAULTS, type ScorerConfig } from '../config.ts';

/** Milliseconds from the time of a step to its cycle. */
export function cycleDelay({ interval, delay = interval * SCORER_DEFAULTS.delayShare }: ScorerConfig): number {
  return delay;
}
