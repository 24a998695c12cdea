/** Digits beyond the wanted ones, for the rounding errors of the series. */
const GUARD_DIGITS = 10;

/** The first `digits` decimal digits of pi, the 3 included, as one integer: 314 for 3. Machin's formula. */
export function computePi(digits: number): bigint {
  const places = Math.max(0, Math.floor(digits) - 1);
  const one = 10n ** BigInt(places + GUARD_DIGITS);
  return (16n * arcTangentOfInverse(5n, one) - 4n * arcTangentOfInverse(239n, one)) / 10n ** BigInt(GUARD_DIGITS);
}

/** `one * atan(1 / x)`, by its power series. */
function arcTangentOfInverse(x: bigint, one: bigint): bigint {
  const square = x * x;
  let power = one / x;
  let sum = power;
  for (let divisor = 3n; power !== 0n; divisor += 2n) {
    power /= -square;
    sum += power / divisor;
  }
  return sum;
}
