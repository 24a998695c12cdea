import { Random } from '../scorer/numeric/random.ts';
import { median, quantile } from '../scorer/numeric/statistics.ts';

/** Summary of repeated measurements. */
export interface Summary {
  readonly median: number;
  readonly p99: number;
}

/** Rounded. NaN without values. */
export function summarize(values: readonly number[]): Summary {
  return { median: round(median(values)), p99: round(quantile(values, 0.99)) };
}

export function round(value: number, digits = 1): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

/** Rounds before those that are measured. */
const WARM_UP_ROUNDS = 3;

/** Milliseconds of the fastest of some rounds: other load on the machine only adds. */
export async function fastest(rounds: number, work: () => Promise<unknown>): Promise<number> {
  for (let run = 0; run < WARM_UP_ROUNDS; run++) await work();
  let least = Infinity;
  for (let run = 0; run < rounds; run++) {
    const started = performance.now();
    await work();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

/** A mean with its 95 % confidence interval. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;
const SEED = 1;

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Bootstraps the mean of values by drawing them with replacement (percentile method). NaN without values. */
export function bootstrapMean(values: readonly number[]): Estimate {
  const random = new Random(SEED);
  const draw = () => values[Math.floor(random.uniform() * values.length)] ?? NaN;
  const resampled = Array.from({ length: RESAMPLES }, () => mean(values.map(draw)));
  return { mean: mean(values), low: quantile(resampled, 0.025), high: quantile(resampled, 0.975) };
}
