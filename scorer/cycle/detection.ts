import type { ScorerConfig } from '../config.ts';
import type { VersionVerdict } from '../detectors/instance-outlier/instance-outlier.ts';
import type { UnexpectedEventRow } from '../detectors/trace-sequence/trace-sequence.ts';
import { type DetectorVerdicts, worstByService } from '../detectors/verdicts.ts';
import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { agreedScores, type DetectorsInUse } from '../learning/detectors/detectors-in-use.ts';
import type { Trace } from '../traces/span.ts';
import type { Knowledge } from '../learning/knowledge.ts';
import { type AnomalyPattern, AnomalyPatterns } from './anomaly-patterns.ts';
import type { GoneWatch } from './gone-watch.ts';
import { evidenceOf } from '../scoring/detector-evidence.ts';
import type { GoneService } from '../scoring/gone/gone-services.ts';
import type { Announcements } from '../announced/watch.ts';
import type { Verdict } from '../detectors/detector.ts';
import { type FleetScores, type OtherEvidence, scoreFleet, type ScoreOptions } from '../scoring/score-fleet.ts';

export interface DetectionOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly fleet: Fleet;
  readonly detectors: DetectorsInUse;
  readonly gone: GoneWatch;
}

export interface StepOptions extends Omit<ScoreOptions, 'others' | 'isExpected'> {
  /** Traces that were completed since the step before; undefined if no detector reads traces. */
  readonly traces: readonly Trace[] | undefined;
  readonly announced: Announcements;
}

/** What all configured detectors found at a step. */
export interface Detected {
  /** The autoencoder's scores, the services that are gone, and the ranking with the evidence of all. */
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

  async run(
    step: number,
    { model, profiles }: Knowledge,
    { traces, announced, ...options }: StepOptions,
  ): Promise<Detected> {
    const { config, set, fleet, detectors, gone } = this.#options;
    const input = { set, fleet, traces };
    const others = await detectors.score(input, step);
    const alone = config.detectors.autoencoder === undefined;
    const shape = { features: set.features, steps: config.steps, windows: set.windows };
    await gone.update(step, profiles, announced);
    const evidence = allEvidence(others, gone.current, alone);
    const scored = await scoreFleet(shape, set, fleet, step, profiles, model?.autoencoder, {
      ...options,
      ...evidence,
      isExpected: (key) => announced.expected.covers(key),
    });
    const scores = alone ? [] : scored.scores;
    gone.remember(step, worstScores(scores, others), new Map(scored.causes.map(({ key, bits }) => [key, bits])));
    const result = withoutGone({ ...scored, scores }, gone.current);
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

/** The evidence of other detectors, and against services that are gone; none if there is neither. */
function allEvidence(
  others: readonly DetectorVerdicts[],
  gone: readonly GoneService[],
  alone: boolean,
): { readonly others?: OtherEvidence } {
  if (others.length === 0 && gone.length === 0 && !alone) return {};
  const bits = new Map(evidenceOf(others));
  for (const { key, bits: goneBits } of gone) bits.set(key, Math.max(goneBits, bits.get(key) ?? 0));
  return { others: { bits, alone } };
}

/** The highest score of each service, of whatever detector. */
function worstScores(scores: FleetScores['scores'], others: readonly DetectorVerdicts[]): Map<string, number> {
  const own = scores.map((score): Verdict => ({ ...score, kind: 'service' }));
  const worst = worstByService([...own, ...others.flatMap(({ verdicts }) => verdicts)]);
  return new Map([...worst].map(([key, { score }]) => [key, score]));
}

/** Leaves out the scores of gone services: they are of what is left in the longer windows. */
function withoutGone(result: FleetScores, gone: readonly GoneService[]): FleetScores {
  if (gone.length === 0) return result;
  const keys = new Set(gone.map(({ key }) => key));
  return {
    ...result,
    gone,
    scores: result.scores.filter(({ key }) => !keys.has(key)),
    states: new Map([...result.states, ...[...keys].map((key) => [key, 'gone'] as const)]),
  };
}
