import type { Reconstructor } from '../detectors/reconstructor.ts';
import type { EdgeFeature, Feature, FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { History } from '../fleet/history.ts';
import type { GoneService } from './gone/gone-services.ts';
import type { EdgeScalings, Profiles } from './profiles/profiles-file.ts';
import { type CallEdge, type RankedCause, type Ranker, rankRootCauses, type Suspect } from './ranking/root-cause.ts';
import { loadFeature } from '../tensor/load.ts';
import { type ColumnScaling, deviation } from '../tensor/scaling.ts';
import { newestErrors } from './errors.ts';
import type { Experience } from './experience/experience.ts';
import { type ScorableService, scoreServices, type ServiceScore } from './score-services.ts';
import { RANKED_STEPS, recent, requestColumns, serviceRequests } from './ranking/observed-requests.ts';
import { edgeEnds, scopeOf, serviceKey } from '../identity/service-key.ts';
import { allocateWindows, encodeWindow, type TensorShape } from '../tensor/tensor.ts';

/** Minimum share of a service's known columns that must have a value for it to be scored. */
const MIN_OBSERVED_SHARE = 0.25;

export type ServiceState = 'scored' | 'learning' | 'no_data' | 'excluded' | 'gone';

export interface FleetScores {
  readonly scores: readonly ServiceScore[];
  readonly causes: readonly RankedCause[];
  /** The calls that the causes were ranked by; none where there is no incident. */
  readonly edges?: readonly CallEdge[];
  /** Services of the incident that are gone; these have no score. */
  readonly gone?: readonly GoneService[];
  readonly states: ReadonlyMap<string, ServiceState>;
  /** Number of values that services with a profile lack at this step; replaced by the median. */
  readonly missing: number;
  /** Time spent on encoding, on inference and on ranking. */
  readonly encodeMs: number;
  readonly inferenceMs: number;
  readonly rankMs: number;
}

/** Evidence of other detectors. */
export interface OtherEvidence {
  /** Bits by service. */
  readonly bits: ReadonlyMap<string, number>;
  /** True if the model's own scores and evidence don't count. */
  readonly alone: boolean;
}

export interface ScoreOptions {
  /** Rank causes even if no service is anomalous. */
  readonly assumeIncident?: boolean;
  /** Default: `rankRootCauses`. */
  readonly rank?: Ranker;
  /** Returns true for services to rank as causes. Default: all. */
  readonly isCandidate?: ((key: string) => boolean) | undefined;
  /** What other detectors say, for the ranking. */
  readonly others?: OtherEvidence | undefined;
  /** What recurs, has changed or grows; this step is added to it. Default: every step is judged by its profile alone. */
  readonly experience?: Experience | undefined;
  /** Returns true for services whose anomalies are announced as expected. Default: none. */
  readonly isExpected?: ((key: string) => boolean) | undefined;
}

/**
 * Scores all services of the fleet at `step` in one run of the model, and ranks the root causes if there is an
 * incident. A service without a profile is `learning`; one with too few values at `step` is `no_data`.
 */
export async function scoreFleet(
  shape: TensorShape,
  set: FeatureSet,
  fleet: Fleet,
  step: number,
  profiles: Profiles | undefined,
  model: Reconstructor | undefined,
  { assumeIncident = false, rank = rankRootCauses, isCandidate, experience, others, isExpected }: ScoreOptions = {},
): Promise<FleetScores> {
  const started = performance.now();
  const states = new Map<string, ServiceState>();
  const known = [...fleet.services].flatMap(([key, history]) => {
    const profile = profiles?.services.get(key);
    states.set(key, history.observed(step) === 0 ? 'no_data' : 'learning');
    if (profile === undefined || model === undefined) return [];
    const scalings = experience?.levels.scalingsOf(shape.features, key, profile) ?? profile.scalings;
    return [{ key, history, profile, scalings }];
  });
  const windows = allocateWindows(shape, known.length);
  let missing = 0;
  const scorable = known.map(({ key, history, scalings }, index) => {
    const present = encodeWindow(shape, history, step, scalings, windows, index);
    const expected = scalings.filter((scaling) => scaling !== undefined).length;
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

  const called = new Set([...fleet.edges.keys()].map((key) => serviceKey(edgeEnds(key).server)));
  const services = known
    .map((service, index) => ({ ...service, index, called: called.has(service.key) }))
    .filter(({ index }) => scorable[index]);
  const errors = newestErrors(shape, windows, reconstruction);
  const { scores, suspects } = scoreServices(shape, services, errors, step, experience, isExpected);
  const anomalous = others?.alone === true ? [] : scores.flatMap(({ key, score }) => (score > 1 ? [key] : []));
  const incidents = new Set([...anomalous, ...(others?.bits.keys() ?? [])].map(scopeOf));
  const isRanked = (key: string) => (assumeIncident || incidents.has(scopeOf(key))) && isCandidate?.(key) !== false;
  const ranked = () => withOthers(withRequests(shape, suspects, services, step), others);
  const isIncident = assumeIncident || incidents.size > 0;
  const edges = isIncident ? callEdges(set, fleet, step, profiles) : [];
  const causes = isIncident ? rank(ranked(), edges, isRanked) : [];
  const done = performance.now();
  return {
    scores,
    causes,
    edges,
    states,
    missing,
    encodeMs: encoded - started,
    inferenceMs: inferred - encoded,
    rankMs: done - inferred,
  };
}

/** Adds what each service was asked. */
function withRequests(
  { features }: TensorShape,
  suspects: readonly Suspect[],
  services: readonly ScorableService[],
  step: number,
): readonly Suspect[] {
  const columns = requestColumns(features);
  const byKey = new Map(services.map((service) => [service.key, service]));
  return suspects.map((suspect) => {
    const { history, scalings } = byKey.get(suspect.key)!;
    return { ...suspect, requests: serviceRequests(features, columns, history, step, scalings) };
  });
}

/** Adds the evidence of other detectors to that of the model. */
function withOthers(suspects: readonly Suspect[], others: OtherEvidence | undefined): readonly Suspect[] {
  if (others === undefined) return suspects;
  const found = new Map(others.alone ? [] : suspects.map((suspect) => [suspect.key, suspect]));
  for (const [key, evidence] of others.bits) {
    const suspect = found.get(key);
    found.set(key, { ...suspect, key, evidence: (suspect?.evidence ?? 0) + evidence });
  }
  return [...found.values()];
}

/** The deviations of all edges at `step`. */
function callEdges(set: FeatureSet, fleet: Fleet, step: number, profiles: Profiles | undefined): CallEdge[] {
  const columns = (wanted: (feature: EdgeFeature) => boolean) =>
    set.edges.flatMap((feature, column) => (wanted(feature) ? [column] : []));
  const latency = columns(({ signal }) => signal === 'latency');
  const failures = columns(({ failure, unit }) => failure && unit !== 'ratio');
  const failedShare = columns(({ failure, unit }) => failure && unit === 'ratio');
  const responses = columns(({ signal, failure }) => signal === 'errors' && !failure);
  const countedCalls = loadFeature(set.edges);
  return [...fleet.edges].map(([key, history]) => {
    const scalings = profiles?.edges.get(key);
    const { client, server } = edgeEnds(key);
    const largest = (of: readonly number[]) => largestDeviation(set.edges, history, of, step, scalings);
    return {
      client: serviceKey(client),
      server: serviceKey(server),
      latency: largest(latency),
      failures: largest(failures),
      failedShare: largest(failedShare),
      responses: largest(responses),
      counted: countedCalls !== undefined && Number.isFinite(recent(history, countedCalls, step)),
    };
  });
}

/** The largest recent deviation of any of the columns, by magnitude; 0 if none was observed. */
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

/** The mean deviation over the last steps; NaN if none was observed. */
function recentDeviation(
  feature: Feature,
  history: History,
  column: number,
  step: number,
  scaling: ColumnScaling,
): number {
  let [sum, observed] = [0, 0];
  for (let back = 0; back < RANKED_STEPS; back++) {
    const value = deviation(feature, history.get(step - back, column), scaling);
    if (Number.isNaN(value)) continue;
    sum += value;
    observed++;
  }
  return sum / observed;
}
