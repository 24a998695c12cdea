import type { Signal } from '../features/features.ts';
import { robustSpread, sortedFinite } from '../numeric/statistics.ts';

/** How a column follows the load: a line through the usual load, scaled units against the load's log ratio. */
export interface LoadResponse {
  readonly slope: number;
  /** Standard deviation of the slope: large until much of the load has been seen. */
  readonly uncertainty: number;
}

/** Expected slope and its standard deviation. */
export interface SlopePrior {
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Slopes before anything has been seen. Latency and errors hardly follow the load of a healthy service; processors and
 * requests in flight are proportional to it, memory and what is counted for each request aren't.
 */
export const SLOPE_PRIORS: Readonly<Record<Signal, SlopePrior>> = {
  traffic: { mean: 0.5, deviation: 0.6 },
  latency: { mean: 0, deviation: 0.15 },
  errors: { mean: 0, deviation: 0.15 },
  saturation: { mean: 0.3, deviation: 0.6 },
};

/** Neighbouring steps say nearly the same: so many count as one. */
const CORRELATED_STEPS = 10;
/** Residuals beyond this many spreads are left out: faults aren't a response to load. */
const OUTLIER = 4;
const ROUNDS = 3;
/** Least noise of a column, scaled units: without it, few equal values would look certain. */
const MIN_NOISE = 0.01;

/**
 * Learns a slope by Bayesian linear regression with a normal prior and known noise (Bishop, Pattern Recognition and Machine
 * Learning, 3.3), in rounds: each estimates the noise from the residuals of the one before, without outliers.
 *
 * @param away differences from the median, scaled units, NaN where missing
 * @param loads of the same steps, log ratios
 */
export function learnResponse(away: readonly number[], loads: readonly number[], prior: SlopePrior): LoadResponse {
  let response: LoadResponse = { slope: prior.mean, uncertainty: prior.deviation };
  for (let round = 0; round < ROUNDS; round++) {
    const { slope } = response;
    const left = away.map((value, index) => value - slope * (loads[index] ?? NaN));
    const noise = Math.max(robustSpread(sortedFinite(left)), MIN_NOISE);
    let [squares, products] = [0, 0];
    for (const [index, load] of loads.entries()) {
      const value = away[index] ?? NaN;
      if (!(Math.abs(left[index] ?? NaN) <= OUTLIER * noise) && round > 0) continue;
      if (!Number.isFinite(value * load)) continue;
      squares += load * load;
      products += load * value;
    }
    const weight = 1 / (CORRELATED_STEPS * noise ** 2);
    const precision = squares * weight + prior.deviation ** -2;
    response = {
      slope: (products * weight + prior.mean * prior.deviation ** -2) / precision,
      uncertainty: precision ** -0.5,
    };
  }
  return response;
}
