import type { Random } from '../../../../scorer/numeric/random.ts';

/** Above this mean, counts are drawn from the normal distribution with the same mean and variance. */
const LARGE_MEAN = 50;

/** A Poisson distributed count: by Knuth's product of uniform numbers, or the normal approximation of a large mean. */
export function poisson(random: Random, mean: number): number {
  if (!(mean > 0)) return 0;
  if (mean > LARGE_MEAN) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.uniform(); product > limit; product *= random.uniform()) count++;
  return count;
}

/** How many of `count` happen, each with probability `share`: by inversion, or the normal approximation of a large mean. */
export function binomial(random: Random, count: number, share: number): number {
  if (count <= 0 || !(share > 0)) return 0;
  if (share >= 1) return count;
  if (share > 0.5) return count - binomial(random, count, 1 - share);
  const mean = count * share;
  if (mean > LARGE_MEAN) {
    const drawn = Math.round(mean + Math.sqrt(mean * (1 - share)) * random.normal());
    return Math.min(count, Math.max(0, drawn));
  }
  // The distribution function, term by term, until it passes a uniform number.
  const odds = share / (1 - share);
  let term = (1 - share) ** count;
  let [happened, left] = [0, random.uniform()];
  while (left > term && happened < count) {
    left -= term;
    term *= (odds * (count - happened)) / (happened + 1);
    happened++;
  }
  return happened;
}

/** Divides `count` among `parts` of equal probability. */
export function divide(random: Random, count: number, parts: number): number[] {
  let left = count;
  return Array.from({ length: parts }, (_, index) => {
    const drawn = binomial(random, left, 1 / (parts - index));
    left -= drawn;
    return drawn;
  });
}

/** A whole number with this mean for each of `count` requests, together: the fraction is drawn for each. */
export function callsOf(random: Random, count: number, each: number): number {
  const whole = Math.floor(each);
  return count * whole + binomial(random, count, each - whole);
}
