import { createRandom } from '../../microsim/protocol/random.ts';
import type { LoadChange } from '../../microsim/topology/topology.ts';

/** A change of the load at so many milliseconds after the beginning. */
export interface PlannedLoad {
  readonly at: number;
  readonly change: LoadChange;
}

/** One that was made. */
export type AppliedLoad = LoadChange & { /** RFC 3339. */ readonly time: string };

/** Visits a second: the busiest is more than twice the quietest, and what two shared cores still serve. */
const LEVELS = [11, 26] as const;
/** Milliseconds that a level stays; ten minutes to forty of life. */
const STAYS = [50_000, 200_000] as const;
/** What a burst multiplies the level by. */
const FACTORS = [1.3, 2] as const;
const SECOND = 1000;

/**
 * Load as unlike itself as a day's: levels that change at random times, bursts of changing height, and the topology's
 * wave in demo time. The same for the same seed.
 */
export function planLoad(durationMs: number, seed: number): PlannedLoad[] {
  const random = createRandom(seed);
  const between = ([least, most]: readonly [number, number]) => least + random.next() * (most - least);
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
