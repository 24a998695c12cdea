import type { Random } from '../../../scorer/numeric/random.ts';

/** A whole number from 0 to `below` - 1. */
export function below(random: Random, limit: number): number {
  return Math.floor(random.uniform() * limit);
}

/** One of a list that is not empty. */
export function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)]!;
}
