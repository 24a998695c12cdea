import type { Windows } from './windows.ts';

/**
 * Reconstructs windows by principal components, as a baseline for the network. The components are fitted to the first
 * `fitted` windows, with missing entries replaced by the mean.
 */
export function pcaReconstruct(windows: Windows, size: number, fitted: number, components: number) {
  const mean = means(windows, size, fitted);
  const row = (window: number) =>
    Float64Array.from({ length: size }, (_, i) => {
      const at = window * size + i;
      return windows.mask[at] === 0 ? 0 : windows.data[at]! - mean[i]!;
    });
  const rows = Array.from({ length: fitted }, (_, window) => row(window));
  const basis = principalAxes(rows, size, components);
  const reconstruction = new Float64Array(windows.count * size);
  for (let window = 0; window < windows.count; window++) {
    const centred = row(window);
    const shares = basis.map((axis) => dot(axis, centred));
    for (let i = 0; i < size; i++) {
      reconstruction[window * size + i] = basis.reduce((sum, axis, k) => sum + shares[k]! * axis[i]!, mean[i]!);
    }
  }
  return { mean, reconstruction };
}

function means({ data, mask }: Windows, size: number, count: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => {
    let [total, observed] = [0, 0];
    for (let at = i; at < count * size; at += size) {
      if (mask[at] === 0) continue;
      total += data[at]!;
      observed++;
    }
    return total / Math.max(1, observed);
  });
}

/** The first eigenvectors of the rows' covariance, by orthogonal iteration. */
function principalAxes(rows: readonly Float64Array[], size: number, count: number): Float64Array[] {
  let basis = Array.from({ length: count }, (_, k) =>
    Float64Array.from({ length: size }, (_value, i) => Math.sin(i * (k + 1) + k)),
  );
  for (let round = 0; round < 30; round++) {
    basis = basis.map((axis) => {
      const next = new Float64Array(size);
      for (const row of rows) {
        const share = dot(row, axis);
        for (let i = 0; i < size; i++) next[i]! += share * row[i]!;
      }
      return next;
    });
    orthonormalise(basis);
  }
  return basis;
}

function orthonormalise(basis: readonly Float64Array[]): void {
  for (const [k, axis] of basis.entries()) {
    for (const earlier of basis.slice(0, k)) {
      const share = dot(axis, earlier);
      for (let i = 0; i < axis.length; i++) axis[i]! -= share * earlier[i]!;
    }
    const length = Math.sqrt(dot(axis, axis));
    for (let i = 0; i < axis.length; i++) axis[i]! /= length;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}
