import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Profiles } from '../scoring/profiles-file.ts';
import type { Reconstructor } from '../detectors/reconstructor.ts';
import type { Ranker } from '../scoring/root-cause.ts';
import type { Seasons } from '../scoring/seasons.ts';
import { scoreFleet } from '../scoring/score-fleet.ts';
import type { TensorShape } from '../tensor/tensor.ts';

/** What a detector said at each replayed step. */
export interface Replay {
  /** Ascending; steps left out weren't replayed. */
  readonly steps: readonly number[];
  /** By service, a score for each of `steps`; NaN where it wasn't scored. */
  readonly scores: ReadonlyMap<string, Float64Array>;
  /** Services from the most to the least probable cause, at the steps where a ranking was asked for. */
  readonly rankings: ReadonlyMap<number, readonly string[]>;
}

export interface ReplayOptions {
  readonly steps: readonly number[];
  /** Whether a ranking is wanted at a step, incident or not. */
  readonly wantRanking: (step: number) => boolean;
  /** What was loud at the same time before, made anew for each replay. Default: nothing is tolerated. */
  readonly seasons?: () => Seasons;
  /** Default: the product's own. */
  readonly rank?: Ranker;
  readonly onProgress?: (share: number) => void;
}

/** Scores and ranks, one step after another, as `run` does each cycle. */
export async function replayFleet(
  shape: TensorShape,
  set: FeatureSet,
  fleet: Fleet,
  profiles: Profiles,
  model: Reconstructor,
  { steps, wantRanking, rank, seasons: createSeasons, onProgress }: ReplayOptions,
): Promise<Replay> {
  const scores = new Map([...profiles.services.keys()].map((key) => [key, new Float64Array(steps.length).fill(NaN)]));
  const seasons = createSeasons?.();
  const rankings = new Map<number, readonly string[]>();
  for (const [index, step] of steps.entries()) {
    const assumeIncident = wantRanking(step);
    const cycle = await scoreFleet(shape, set, fleet, step, profiles, model, {
      assumeIncident,
      seasons,
      ...(rank !== undefined && { rank }),
    });
    for (const { key, score } of cycle.scores) {
      const of = scores.get(key);
      if (of !== undefined) of[index] = score;
    }
    if (assumeIncident)
      rankings.set(
        step,
        cycle.causes.map(({ key }) => key),
      );
    onProgress?.((index + 1) / steps.length);
  }
  return { steps, scores, rankings };
}
