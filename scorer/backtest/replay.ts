import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Profiles } from '../scoring/profiles/profiles-file.ts';
import type { Reconstructor } from '../detectors/reconstructor.ts';
import type { Ranker } from '../scoring/ranking/root-cause.ts';
import type { Experience } from '../scoring/experience/experience.ts';
import { scoreFleet } from '../scoring/score-fleet.ts';
import type { TensorShape } from '../tensor/tensor.ts';

/** The scores and rankings of a detector over the replayed steps. */
export interface Replay {
  /** The replayed steps, ascending, possibly with gaps. */
  readonly steps: readonly number[];
  /** Service key -> score at each of `steps`; NaN where it wasn't scored. */
  readonly scores: ReadonlyMap<string, Float64Array>;
  /** Step -> service keys, most probable root cause first; only for the steps of `wantRanking`. */
  readonly rankings: ReadonlyMap<number, readonly string[]>;
}

export interface ReplayOptions {
  readonly steps: readonly number[];
  /** Returns true for steps to rank root causes at, even if no service is anomalous. */
  readonly wantRanking: (step: number) => boolean;
  /** Creates the experience of a replay. Default: every step is judged by its profile alone. */
  readonly experience?: () => Experience;
  /** Default: `rankRootCauses`. */
  readonly rank?: Ranker;
  readonly onProgress?: (share: number) => void;
}

/** Scores and ranks one step after another, like the cycles of `run`. */
export async function replayFleet(
  shape: TensorShape,
  set: FeatureSet,
  fleet: Fleet,
  profiles: Profiles,
  model: Reconstructor,
  { steps, wantRanking, rank, experience: createExperience, onProgress }: ReplayOptions,
): Promise<Replay> {
  const scores = new Map([...profiles.services.keys()].map((key) => [key, new Float64Array(steps.length).fill(NaN)]));
  const experience = createExperience?.();
  const rankings = new Map<number, readonly string[]>();
  for (const [index, step] of steps.entries()) {
    const assumeIncident = wantRanking(step);
    const cycle = await scoreFleet(shape, set, fleet, step, profiles, model, {
      assumeIncident,
      experience,
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
