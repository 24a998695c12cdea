import type { Detector } from '../detectors/detector.ts';
import { serviceOf, worstByService } from '../detectors/verdicts.ts';
import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { evidenceOf } from '../scoring/detector-evidence.ts';
import type { Profiles } from '../scoring/profiles/profiles-file.ts';
import { scoreFleet } from '../scoring/score-fleet.ts';
import type { TensorShape } from '../tensor/tensor.ts';
import { breathe, LeadingSignals, type Replay, type ReplayOptions } from './replay.ts';

/**
 * Replays a detector beside the autoencoder, step by step: of each service its worst verdict, and a ranking by the evidence
 * of this detector alone.
 */
export async function replayDetector(
  shape: TensorShape,
  set: FeatureSet,
  fleet: Fleet,
  profiles: Profiles,
  detector: Detector,
  { steps, wantRanking, onProgress, signal }: ReplayOptions,
): Promise<Replay> {
  const scores = new Map<string, Float64Array>();
  const rankings = new Map<number, readonly string[]>();
  const leading = new LeadingSignals();
  for (const [index, step] of steps.entries()) {
    await breathe(signal);
    const verdicts = await detector.score({ set, fleet }, step);
    for (const [service, worst] of worstByService(verdicts)) {
      let of = scores.get(service);
      if (of === undefined) scores.set(service, (of = new Float64Array(steps.length).fill(NaN)));
      of[index] = worst.score;
      leading.add(step, service, worst);
    }
    if (wantRanking(step)) {
      const others = { bits: evidenceOf([{ detector: detector.name, verdicts }]), alone: true };
      const options = { assumeIncident: true, others };
      const { causes } = await scoreFleet(shape, set, fleet, step, profiles, undefined, options);
      const ranked = causes.map(({ key }) => key);
      const rest = verdicts.map(serviceOf).filter((key) => !ranked.includes(key));
      rankings.set(step, [...ranked, ...new Set(rest)]);
    }
    onProgress?.((index + 1) / steps.length);
  }
  return { steps, scores, rankings, signals: leading.signals };
}
