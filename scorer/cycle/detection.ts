import type { ScorerConfig } from '../config.ts';
import type { VersionVerdict } from '../detectors/instance-outlier/instance-outlier.ts';
import { worstByService } from '../detectors/verdicts.ts';
import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { agreedScores, type DetectorsInUse, type DetectorVerdicts } from '../learning/detectors-in-use.ts';
import type { Knowledge } from '../learning/knowledge.ts';
import { type FleetScores, type OtherEvidence, scoreFleet, type ScoreOptions } from '../scoring/score-fleet.ts';

export interface DetectionOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly fleet: Fleet;
  readonly detectors: DetectorsInUse;
}

/** What all configured detectors found at a step. */
export interface Detected {
  /** The autoencoder's scores, and the ranking with the evidence of all. */
  readonly fleet: FleetScores;
  readonly others: readonly DetectorVerdicts[];
  readonly versions: readonly VersionVerdict[];
  /** Scores of `agreement`, by service. */
  readonly agreed: ReadonlyMap<string, number>;
}

/** Evidence saturates at this many thresholds above the first, like that of features. */
const MAX_EVIDENCE = 6;

/** Runs the configured detectors on the fleet, and ranks root causes by the evidence of all of them. */
export class Detection {
  readonly #options: DetectionOptions;

  constructor(options: DetectionOptions) {
    this.#options = options;
  }

  async run(step: number, { model, profiles }: Knowledge, options: ScoreOptions): Promise<Detected> {
    const { config, set, fleet, detectors } = this.#options;
    const input = { set, fleet };
    const others = await detectors.score(input, step);
    const alone = config.detectors.autoencoder === undefined;
    const shape = { features: set.features, steps: config.steps };
    const evidence = others.length === 0 && !alone ? {} : { others: { bits: evidenceOf(others), alone } };
    const scored = await scoreFleet(shape, set, fleet, step, profiles, model?.autoencoder, { ...options, ...evidence });
    const result = alone ? { ...scored, scores: [] } : scored;
    const own = new Map(result.scores.map(({ key, score }) => [key, score]));
    const { agreement } = config.detectors;
    return {
      fleet: result,
      others,
      versions: detectors.versions(input, step),
      agreed: agreement === undefined ? new Map() : agreedScores(agreement, own, others),
    };
  }
}

/**
 * The evidence of detectors against each service, in bits: of each detector the logarithm of the score above its threshold,
 * as that of a feature is the logarithm of its error.
 */
export function evidenceOf(found: readonly DetectorVerdicts[]): OtherEvidence['bits'] {
  const bits = new Map<string, number>();
  for (const { verdicts } of found) {
    for (const [service, { score }] of worstByService(verdicts)) {
      if (score <= 1) continue;
      bits.set(service, (bits.get(service) ?? 0) + Math.log2(1 + Math.min(MAX_EVIDENCE, score - 1)));
    }
  }
  return bits;
}
