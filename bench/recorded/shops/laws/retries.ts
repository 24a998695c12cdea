import type { Random } from '../../../../scorer/numeric/random.ts';
import { binomial } from './counts.ts';

/** Attempts for each call if a share of the attempts fails: the geometric sum 1 + f + ... + f^retries. */
export function attemptsPerCall(failing: number, retries: number): number {
  let attempts = 0;
  for (let attempt = 0; attempt <= retries; attempt++) attempts += failing ** attempt;
  return attempts;
}

/** Share of the calls that fail after all attempts. */
export function failedAtLast(failing: number, retries: number): number {
  return failing ** (retries + 1);
}

/** Draws the attempts of some calls: those that failed are tried again. */
export function drawAttempts(random: Random, calls: number, failing: number, retries: number): number {
  let [attempts, again] = [calls, calls];
  for (let retry = 0; retry < retries && again > 0; retry++) {
    again = binomial(random, again, failing);
    attempts += again;
  }
  return attempts;
}
