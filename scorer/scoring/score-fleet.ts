import type { Reconstructor } from '../detectors/reconstructor.ts';
import type { EdgeFeature, Feature, FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { History } from '../fleet/history.ts';
import type { EdgeScalings, Profiles } from './profiles-file.ts';
import type { Profile } from './profile.ts';
import { type CallEdge, type RankedCause, type Ranker, rankRootCauses, type Suspect } from './root-cause.ts';
import { type ColumnScaling, deviation } from '../tensor/scaling.ts';
import {
  type FeatureShare,
  featureErrors,
  featureShares,
  loudness,
  newestErrors,
  ownEvidence,
  tolerant,
} from './errors.ts';
import type { Seasons } from './seasons.ts';
import { edgeEnds, serviceKey } from '../identity/service-key.ts';
import { allocateWindows, encodeWindow, type TensorShape } from '../tensor/tensor.ts';
import { columnCount } from '../features/columns.ts';

/** A service needs at least this share of its known columns to be judged. */
const MIN_OBSERVED_SHARE = 0.25;

export type ServiceState = 'scored' | 'learning' | 'no_data' | 'excluded';

export interface ServiceScore {
  readonly key: string;
  /** 0 as expected, 1 at the threshold. */
  readonly score: number;
  readonly shares: readonly FeatureShare[];
}

export interface FleetScores {
  readonly scores: readonly ServiceScore[];
  readonly causes: readonly RankedCause[];
  readonly states: ReadonlyMap<string, ServiceState>;
  /** Values that services with a profile usually have and lack at this step; they were taken as neutral. */
  readonly missing: number;
  /** Milliseconds spent on encoding, on the model, and on ranking. */
  readonly encodeMs: number;
  readonly inferenceMs: number;
  readonly rankMs: number;
}

export interface ScoreOptions {
  /** Ranks causes whether or not a score says that there is an incident. */
  readonly assumeIncident?: boolean;
  /** Default: `rankRootCauses`. */
  readonly rank?: Ranker;
  /** Whether a service is to be ranked as a cause. Default: every one. */
  readonly judges?: ((key: string) => boolean) | undefined;
  /** What was loud at this time before is tolerated, and what is loud now remembered. */
  readonly seasons?: Seasons | undefined;
}

/**
 * Scores every service of the fleet at `step` in one run of the model and ranks the causes of an incident.
 * A service without a profile is `learning`; one with too few values at `step` is `no_data`.
 */
export async function scoreFleet(
  shape: TensorShape,
  set: FeatureSet,
  fleet: Fleet,
  step: number,
  profiles: Profiles | undefined,
  model: Reconstructor | undefined,
  { assumeIncident = false, rank = rankRootCauses, judges, seasons }: ScoreOptions = {},
): Promise<FleetScores> {
  const started = performance.now();
  const states = new Map<string, ServiceState>();
  const known = [...fleet.services].flatMap(([key, history]) => {
    const profile = profiles?.services.get(key);
    states.set(key, history.observed(step) === 0 ? 'no_data' : 'learning');
    return profile === undefined || model === undefined ? [] : [{ key, history, profile }];
  });
  const windows = allocateWindows(shape, known.length);
  let missing = 0;
  const judged = known.map(({ key, history, profile }, index) => {
    const present = encodeWindow(shape, history, step, profile.scalings, windows, index);
    const expected = profile.scalings.filter((scaling) => scaling !== undefined).length;
    missing += expected - present;
    const enough = present > 0 && present >= MIN_OBSERVED_SHARE * expected;
    states.set(key, enough ? 'scored' : 'no_data');
    return enough;
  });
  const encoded = performance.now();
  const reconstruction =
    model === undefined || known.length === 0
      ? new Float32Array()
      : await model.reconstruct(windows.data, windows.mask, windows.count);
  const inferred = performance.now();

  const judgedServices = known.map((service, index) => ({ ...service, index })).filter(({ index }) => judged[index]);
  const errors = newestErrors(shape, windows, reconstruction);
  const { scores, suspects } = scoreServices(shape, judgedServices, errors, step, seasons);
  const causes =
    assumeIncident || scores.some(({ score }) => score > 1)
      ? rank(suspects, callEdges(set, fleet, step, profiles), judges)
      : [];
  const done = performance.now();
  return {
    scores,
    causes,
    states,
    missing,
    encodeMs: encoded - started,
    inferenceMs: inferred - encoded,
    rankMs: done - inferred,
  };
}

/** A service with its place in the batch. */
interface JudgedService {
  readonly key: string;
  readonly profile: Profile;
  readonly index: number;
}

/** Scores from the batch's errors, and the evidence against each service; without those that have no finite score. */
function scoreServices(
  shape: TensorShape,
  services: readonly JudgedService[],
  { residuals, deviations }: ReturnType<typeof newestErrors>,
  step: number,
  seasons: Seasons | undefined,
): { readonly scores: ServiceScore[]; readonly suspects: Suspect[] } {
  const columns = columnCount(shape.features);
  const scores: ServiceScore[] = [];
  const suspects: Suspect[] = [];
  for (const { key, profile, index } of services) {
    const [start, end] = [index * columns, (index + 1) * columns];
    const own = { residuals: residuals.subarray(start, end), deviations: deviations.subarray(start, end) };
    const untolerated = featureErrors(shape, own, profile);
    const tolerance = seasons?.tolerance(key, step);
    seasons?.record(key, step, untolerated);
    const scales = tolerance === undefined ? profile : tolerant(profile, tolerance);
    const errors = tolerance === undefined ? untolerated : featureErrors(shape, own, scales);
    const score = loudness(errors) / profile.threshold;
    if (!Number.isFinite(score)) continue;
    scores.push({ key, score, shares: featureShares(shape, errors) });
    suspects.push({ key, evidence: ownEvidence(shape, own.residuals, scales) });
  }
  return { scores, suspects };
}

/** An edge is judged by the mean of so many steps: what a caller saw in a single one may be noise. */
const EDGE_STEPS = 3;

/** The edges up to `step` as deviations from their normal. */
function callEdges(set: FeatureSet, fleet: Fleet, step: number, profiles: Profiles | undefined): CallEdge[] {
  const columns = (wanted: (feature: EdgeFeature) => boolean) =>
    set.edges.flatMap((feature, column) => (wanted(feature) ? [column] : []));
  const latency = columns(({ signal }) => signal === 'latency');
  const failures = columns(({ failure }) => failure);
  const answers = columns(({ signal, failure }) => signal === 'errors' && !failure);
  return [...fleet.edges].map(([key, history]) => {
    const scalings = profiles?.edges.get(key);
    const { client, server } = edgeEnds(key);
    const largest = (of: readonly number[]) => largestDeviation(set.edges, history, of, step, scalings);
    return {
      client: serviceKey(client),
      server: serviceKey(server),
      latency: largest(latency),
      failures: largest(failures),
      answers: largest(answers),
    };
  });
}

/** The recent deviation that is farthest from 0 of any of the columns; 0 when none was observed. */
function largestDeviation(
  features: readonly Feature[],
  history: History,
  columns: readonly number[],
  step: number,
  scalings: EdgeScalings | undefined,
): number {
  let largest = 0;
  for (const column of columns) {
    const [feature, scaling] = [features[column], scalings?.[column]];
    if (feature === undefined || scaling === undefined) continue;
    const value = recentDeviation(feature, history, column, step, scaling);
    if (Math.abs(value) > Math.abs(largest)) largest = value;
  }
  return largest;
}

/** The mean deviation of the last steps; NaN when none was observed. */
function recentDeviation(
  feature: Feature,
  history: History,
  column: number,
  step: number,
  scaling: ColumnScaling,
): number {
  let [sum, observed] = [0, 0];
  for (let back = 0; back < EDGE_STEPS; back++) {
    const value = deviation(feature, history.get(step - back, column), scaling);
    if (Number.isNaN(value)) continue;
    sum += value;
    observed++;
  }
  return sum / observed;
}
