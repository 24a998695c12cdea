import type { ScorerConfig } from '../config.ts';
import type { VersionVerdict } from '../detectors/instance-outlier/instance-outlier.ts';
import type { UnexpectedEventRow } from '../detectors/trace-sequence/trace-sequence.ts';
import type { DetectorVerdicts } from '../detectors/verdicts.ts';
import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { agreedScores, type DetectorsInUse } from '../learning/detectors/detectors-in-use.ts';
import type { Trace } from '../traces/span.ts';
import type { Knowledge } from '../learning/knowledge.ts';
import { type AnomalyPattern, AnomalyPatterns } from './anomaly-patterns.ts';
import { evidenceOf } from '../scoring/detector-evidence.ts';
import { type FleetScores, scoreFleet, type ScoreOptions } from '../scoring/score-fleet.ts';

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
  readonly unexpected: readonly UnexpectedEventRow[];
  /** Scores of `agreement`, by service. */
  readonly agreed: ReadonlyMap<string, number>;
  readonly patterns: readonly AnomalyPattern[];
}

/** Runs the configured detectors on the fleet, and ranks root causes by the evidence of all of them. */
export class Detection {
  readonly #options: DetectionOptions;
  readonly #patterns: AnomalyPatterns;

  constructor(options: DetectionOptions) {
    this.#options = options;
    this.#patterns = new AnomalyPatterns(options.config.detectors.pattern?.min_probability ?? 1);
  }

  /** @param traces that were completed since the step before; undefined if no detector reads traces */
  async run(
    step: number,
    { model, profiles }: Knowledge,
    traces: readonly Trace[] | undefined,
    options: ScoreOptions,
  ): Promise<Detected> {
    const { config, set, fleet, detectors } = this.#options;
    const input = { set, fleet, traces };
    const others = await detectors.score(input, step);
    const alone = config.detectors.autoencoder === undefined;
    const shape = { features: set.features, steps: config.steps };
    const evidence = others.length === 0 && !alone ? {} : { others: { bits: evidenceOf(others), alone } };
    const scored = await scoreFleet(shape, set, fleet, step, profiles, model?.autoencoder, { ...options, ...evidence });
    const result = alone ? { ...scored, scores: [] } : scored;
    const own = new Map(result.scores.map(({ key, score }) => [key, score]));
    const { agreement } = config.detectors;
    const { classifier } = detectors;
    return {
      fleet: result,
      others,
      versions: detectors.versions(input, step),
      unexpected: detectors.unexpectedEvents(step),
      agreed: agreement === undefined ? new Map() : agreedScores(agreement, own, others),
      patterns: classifier ? await this.#patterns.find(classifier, input, step, result.scores, others) : [],
    };
  }
}
