import { setImmediate } from 'node:timers/promises';
import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Profiles } from '../scoring/profiles/profiles-file.ts';
import type { Verdict } from '../detectors/detector.ts';
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
  /**
   * Service key -> the feature with the largest share of the error, at each of `steps` with a score above 1. Undefined
   * if the detector does not explain its scores.
   */
  readonly signals?: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** Step -> service keys, most probable root cause first; only for the steps of `wantRanking`. */
  readonly rankings: ReadonlyMap<number, readonly string[]>;
}

export interface ReplayOptions {
  readonly steps: readonly number[];
  /** Returns true for steps to rank root causes at, even if no service is anomalous. */
  readonly wantRanking: (step: number) => boolean;
  /** Creates the experience of a replay. Default: every step is judged by its profile alone. */
  readonly experience?: () => Experience;
  /** Steps at which the anomalies of a service were announced as expected. Default: none. */
  readonly expectedSteps?: (key: string) => readonly number[];
  /** Default: `rankRootCauses`. */
  readonly rank?: Ranker;
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The leading features of anomalous services, collected while steps are replayed. */
export class LeadingSignals {
  readonly signals = new Map<string, Map<number, string>>();

  add(step: number, key: string, { score, shares }: Pick<Verdict, 'score' | 'shares'>): void {
    const feature = shares[0]?.feature;
    if (!(score > 1) || feature === undefined) return;
    const of = this.signals.get(key) ?? new Map<number, string>();
    this.signals.set(key, of.set(step, feature));
  }
}

/** Lets signals such as Ctrl-C in. @throws the reason of `signal` if it has aborted */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return;
  await setImmediate();
  signal.throwIfAborted();
}

/** Scores and ranks one step after another, like the cycles of `run`. */
export async function replayFleet(
  shape: TensorShape,
  set: FeatureSet,
  fleet: Fleet,
  profiles: Profiles,
  model: Reconstructor,
  { steps, wantRanking, rank, experience: createExperience, expectedSteps, onProgress, signal }: ReplayOptions,
): Promise<Replay> {
  const scores = new Map([...profiles.services.keys()].map((key) => [key, new Float64Array(steps.length).fill(NaN)]));
  const experience = createExperience?.();
  const expected = new Map([...scores.keys()].map((key) => [key, new Set(expectedSteps?.(key))]));
  const rankings = new Map<number, readonly string[]>();
  const leading = new LeadingSignals();
  for (const [index, step] of steps.entries()) {
    await breathe(signal);
    const assumeIncident = wantRanking(step);
    const cycle = await scoreFleet(shape, set, fleet, step, profiles, model, {
      assumeIncident,
      experience,
      isExpected: (key) => expected.get(key)?.has(step) === true,
      ...(rank !== undefined && { rank }),
    });
    for (const of of cycle.scores) {
      const values = scores.get(of.key);
      if (values === undefined) continue;
      values[index] = of.score;
      leading.add(step, of.key, of);
    }
    if (assumeIncident)
      rankings.set(
        step,
        cycle.causes.map(({ key }) => key),
      );
    onProgress?.((index + 1) / steps.length);
  }
  return { steps, scores, rankings, signals: leading.signals };
}
