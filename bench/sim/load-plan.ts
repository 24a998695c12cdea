import { createRandom } from '../../microsim/protocol/random.ts';
import type { LoadChange } from '../../microsim/topology/topology.ts';

/** A change of the load; times in milliseconds after the start. */
export interface PlannedLoad {
  readonly at: number;
  readonly change: LoadChange;
}

/** A change that was applied. */
export type AppliedLoad = LoadChange & { /** RFC 3339. */ readonly time: string };

/** Visits per second: the maximum is more than twice the minimum, and still within the capacity of two shared cores. */
const LEVELS = [11, 26] as const;
/** Duration of a level in milliseconds; 10 to 40 minutes in real time. */
const STAYS = [50_000, 200_000] as const;
/** Factor of a burst. */
const FACTORS = [1.3, 2] as const;
const SECOND = 1000;

/**
 * A load that varies like that of a day: levels that change at random times, bursts of random height, and the
 * topology's wave in demo time. Deterministic for a seed.
 */
export function planLoad(durationMs: number, seed: number): PlannedLoad[] {
  const random = createRandom(seed);
  const between = ([min, max]: readonly [number, number]) => min + random.next() * (max - min);
  const plan: PlannedLoad[] = [];
  for (let at = 0; at < durationMs; at += Math.round(between(STAYS) / SECOND) * SECOND) {
    const change = {
      level: Math.round(between(LEVELS)),
      wave: { period: '4m', amplitude: 0.25 },
      bursts: { every: '75s', factor: Number(between(FACTORS).toFixed(2)), lasting: '10s' },
    };
    plan.push({ at, change });
  }
  return plan;
}
