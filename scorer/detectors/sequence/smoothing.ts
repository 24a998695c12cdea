/**
 * The weights of a Hamming window of `length` points (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.2),
 * scaled to sum to 1.
 */
export function hammingWeights(length: number): Float64Array {
  const raw = Float64Array.from({ length }, (_, i) =>
    length === 1 ? 1 : 0.54 - 0.46 * Math.cos((2 * Math.PI * i) / (length - 1)),
  );
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  return raw.map((weight) => weight / total);
}

/**
 * Smooths a series by a window that looks back only, so that the newest point needs none of the future. Where points are
 * missing (NaN), the weights of those that are there count; a point that is missing itself stays missing.
 *
 * @param weights the last one belongs to the point itself
 * @returns a series as long as `values`
 */
export function smoothBackwards(values: Float64Array, weights: Float64Array): Float64Array {
  const last = weights.length - 1;
  return values.map((value, at) => {
    if (Number.isNaN(value)) return NaN;
    let [sum, total] = [0, 0];
    for (let back = 0; back <= last && back <= at; back++) {
      const earlier = values[at - back]!;
      if (Number.isNaN(earlier)) continue;
      const weight = weights[last - back]!;
      sum += weight * earlier;
      total += weight;
    }
    return sum / total;
  });
}
