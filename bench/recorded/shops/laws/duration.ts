import { normalDistribution } from '../../../../scorer/detectors/sequence/threshold.ts';

/** How long something takes: a random number of seconds. As a distribution it is log-normal. */
export interface Duration {
  /** Seconds. */
  readonly mean: number;
  /** Seconds squared. */
  readonly variance: number;
}

export const NOTHING: Duration = { mean: 0, variance: 0 };

/** @param variation standard deviation as a share of the mean */
export function lasting(mean: number, variation: number): Duration {
  return { mean, variance: (variation * mean) ** 2 };
}

/** One after another, independent of each other. */
export function afterEachOther(...durations: readonly Duration[]): Duration {
  return durations.reduce((sum, { mean, variance }) => ({ mean: sum.mean + mean, variance: sum.variance + variance }));
}

/**
 * A random number of durations after each other: E N = `each`, whose fraction is drawn as in `callsOf`, so that
 * var = E N · var X + var N · (E X)², the law of total variance.
 */
export function times(each: number, { mean, variance }: Duration): Duration {
  const fraction = each - Math.floor(each);
  return { mean: each * mean, variance: each * variance + fraction * (1 - fraction) * mean ** 2 };
}

/** One of several, by chance. @param parts weights, not all 0, with the duration of each */
export function oneOf(parts: readonly (readonly [weight: number, duration: Duration])[]): Duration {
  const total = parts.reduce((sum, [weight]) => sum + weight, 0);
  const mean = parts.reduce((sum, [weight, duration]) => sum + weight * duration.mean, 0) / total;
  const square =
    parts.reduce((sum, [weight, duration]) => sum + weight * (duration.variance + duration.mean ** 2), 0) / total;
  return { mean, variance: Math.max(0, square - mean ** 2) };
}

/** Mean and standard deviation of the natural logarithm of a log-normal duration. */
export function logarithm({ mean, variance }: Duration): { readonly mean: number; readonly deviation: number } {
  const square = Math.log1p(variance / mean ** 2);
  return { mean: Math.log(mean) - square / 2, deviation: Math.sqrt(square) };
}

/** Probability that it takes at most `seconds`. */
export function withinShare(duration: Duration, seconds: number): number {
  if (seconds <= 0) return 0;
  if (duration.mean <= 0) return 1;
  const { mean, deviation } = logarithm(duration);
  if (deviation === 0) return duration.mean <= seconds ? 1 : 0;
  return normalDistribution((Math.log(seconds) - mean) / deviation);
}

/** E[X; X <= seconds], the part of the mean that is within `seconds`: the partial expectation of a log-normal variable. */
export function partWithin(duration: Duration, seconds: number): number {
  if (seconds <= 0 || duration.mean <= 0) return 0;
  const { mean, deviation } = logarithm(duration);
  if (deviation === 0) return duration.mean <= seconds ? duration.mean : 0;
  return duration.mean * normalDistribution((Math.log(seconds) - mean - deviation ** 2) / deviation);
}

/** What a caller with a timeout waits: E min(X, timeout), with the variance that is left. */
export function cutOff(duration: Duration, timeout: number): Duration {
  const within = withinShare(duration, timeout);
  const mean = partWithin(duration, timeout) + (1 - within) * timeout;
  const share = duration.mean > 0 ? Math.min(1, mean / duration.mean) : 1;
  return { mean, variance: duration.variance * share ** 2 };
}
