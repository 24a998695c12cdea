import type { PatternClassifier } from '../detectors/pattern/classifier.ts';
import { PATTERN_LENGTH, rises } from '../detectors/pattern/shapes.ts';
import type { Verdict } from '../detectors/detector.ts';
import { type DetectorVerdicts, worstByService } from '../detectors/verdicts.ts';
import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { History } from '../fleet/history.ts';
import type { ServiceScore } from '../scoring/score-services.ts';

/** The shape that the anomaly of a service has. */
export interface AnomalyPattern {
  readonly service: string;
  readonly feature: string;
  readonly pattern: string;
  readonly direction: 'up' | 'down';
}

/** Steps that an anomaly has to last until its shape is more than its beginning. */
const MIN_AGE = 4;
/** Steps after which the level before the anomaly leaves the window, so that the shape stays what it was. */
const MAX_AGE = Math.floor(0.75 * PATTERN_LENGTH);
/** Fewest steps of a window. */
const MIN_WINDOW = 16;
/** Share of a series that has to be observed. */
const MIN_OBSERVED_SHARE = 0.5;

/**
 * Names the shape of each service's leading signal: of the service, pod, endpoint or edge with the highest score of any
 * detector, the feature with the largest share of the error.
 */
export class AnomalyPatterns {
  readonly #minProbability: number;
  #current = new Map<string, CurrentAnomaly>();

  /** @param minProbability of the classifier, for a shape to be named */
  constructor(minProbability: number) {
    this.#minProbability = minProbability;
  }

  async find(
    classifier: PatternClassifier,
    { set, fleet }: { readonly set: FeatureSet; readonly fleet: Fleet },
    step: number,
    scores: readonly ServiceScore[],
    others: readonly DetectorVerdicts[],
  ): Promise<AnomalyPattern[]> {
    const own = scores.map((score): Verdict => ({ ...score, kind: 'service' }));
    const worst = worstByService([...own, ...others.flatMap(({ verdicts }) => verdicts)]);
    const anomalous = [...worst].filter(([, { score }]) => score > 1);
    this.#current = new Map(
      anomalous.map(([service]) => [service, this.#current.get(service) ?? { since: step, named: undefined }]),
    );
    const due = anomalous.flatMap(([service, verdict]) => {
      const current = this.#current.get(service)!;
      const age = step - current.since + 1;
      if (age < MIN_AGE || age > MAX_AGE) return [];
      const series = seriesOf({ set, fleet }, verdict, step, windowOf(age));
      return series === undefined ? [] : [{ service, current, feature: verdict.shares[0]!.feature, series }];
    });
    const found = await classifier.classify(due.map(({ series }) => series));
    for (const [index, { service, current, feature, series }] of due.entries()) {
      const { pattern, probability } = found[index]!;
      const named = { service, feature, pattern, direction: rises(series) ? ('up' as const) : ('down' as const) };
      current.named = probability < this.#minProbability ? undefined : named;
    }
    return [...this.#current.values()].flatMap(({ named }) => named ?? []);
  }
}

interface CurrentAnomaly {
  readonly since: number;
  named: AnomalyPattern | undefined;
}

/** Steps of the window in which an anomaly of this age begins in the middle, where training has shapes begin. */
function windowOf(age: number): number {
  return Math.min(PATTERN_LENGTH, Math.max(MIN_WINDOW, 2 * age));
}

/** The recent values of a verdict's leading feature, gaps filled; undefined where too few are known. */
function seriesOf(
  { set, fleet }: { readonly set: FeatureSet; readonly fleet: Fleet },
  { kind, key, shares }: Verdict,
  step: number,
  window: number,
): number[] | undefined {
  const [features, histories] = {
    service: [set.features, fleet.services] as const,
    edge: [set.edges, fleet.edges] as const,
    pod: [set.pods, fleet.pods] as const,
    endpoint: [set.endpoints, fleet.endpoints] as const,
  }[kind];
  // Of services, the columns of the shortest window come first.
  const column = features.findIndex(({ name }) => name === shares[0]?.feature);
  const history: History | undefined = histories.get(key);
  if (history === undefined || column < 0) return undefined;
  const values = Array.from({ length: window }, (_, index) => history.get(step - window + 1 + index, column));
  const observed = values.filter(Number.isFinite);
  if (observed.length < MIN_OBSERVED_SHARE * window) return undefined;
  let last = observed[0]!;
  return values.map((value) => (last = Number.isFinite(value) ? value : last));
}
