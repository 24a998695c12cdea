import { setImmediate } from 'node:timers/promises';
import type { BaselineDetector } from './reconstructor.ts';

/** Share of the variance that the principal components explain. */
const VARIANCE_SHARE = 0.9;

/** Projects windows on the components that explain 90 % of the variance. */
export const pca: BaselineDetector = {
  name: 'pca',
  title: 'PCA reconstruction',
  async fit(windows, signal) {
    const components = await principalComponents(windows, VARIANCE_SHARE, signal);
    const size = components.mean.length;
    return {
      reconstruct(data, _mask, count) {
        const out = new Float32Array(count * size);
        for (let at = 0; at < count * size; at += size) out.set(project(components, data.subarray(at, at + size)), at);
        return Promise.resolve(out);
      },
    };
  },
};

/** The principal components of a set of rows. */
export interface PrincipalComponents {
  readonly mean: Float64Array;
  /** Orthonormal, in order of descending variance; each as long as a row. */
  readonly axes: readonly Float64Array[];
}

const MAX_SWEEPS = 30;
/** Rows of a matrix after which other work gets a turn: some tens of milliseconds. */
const ROWS_PER_PAUSE = 16;

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}

/**
 * Returns the fewest components that explain at least `share` (0..1) of the variance. Takes seconds for windows of
 * hundreds of values, and lets other work in between.
 *
 * @throws the reason of `signal` if it aborts
 */
export async function principalComponents(
  rows: readonly ArrayLike<number>[],
  share: number,
  signal?: AbortSignal,
): Promise<PrincipalComponents> {
  const size = rows[0]?.length ?? 0;
  const mean = new Float64Array(size);
  for (const row of rows) for (let i = 0; i < size; i++) mean[i]! += (row[i] ?? 0) / rows.length;
  const { values, vectors } = await symmetricEigen(await covariance(rows, mean, signal), signal);
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]!);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const axes: Float64Array[] = [];
  let held = 0;
  for (const index of order) {
    if (held >= share * total) break;
    held += Math.max(0, values[index]!);
    axes.push(Float64Array.from({ length: size }, (_, i) => vectors[i * size + index]!));
  }
  return { mean, axes };
}

/** Projects `row` onto the components and back; the result is as long as `row`. */
export function project({ mean, axes }: PrincipalComponents, row: ArrayLike<number>): Float64Array {
  const kept = Float64Array.from(mean);
  for (const axis of axes) {
    let along = 0;
    for (let i = 0; i < axis.length; i++) along += axis[i]! * ((row[i] ?? 0) - mean[i]!);
    for (let i = 0; i < axis.length; i++) kept[i]! += along * axis[i]!;
  }
  return kept;
}

async function covariance(
  rows: readonly ArrayLike<number>[],
  mean: Float64Array,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const size = mean.length;
  const matrix = new Float64Array(size * size);
  const centred = new Float64Array(size);
  for (const [index, row] of rows.entries()) {
    if (index % ROWS_PER_PAUSE === 0) await pause(signal);
    for (let i = 0; i < size; i++) centred[i] = (row[i] ?? 0) - mean[i]!;
    for (let i = 0; i < size; i++) {
      const value = centred[i]! / rows.length;
      for (let j = i; j < size; j++) matrix[i * size + j]! += value * centred[j]!;
    }
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) matrix[i * size + j] = matrix[j * size + i]!;
  return matrix;
}

/**
 * Cyclic Jacobi method (Golub and Van Loan, Matrix Computations, 8.5). The eigenvectors are the columns of `vectors`.
 */
async function symmetricEigen(
  matrix: Float64Array,
  signal: AbortSignal | undefined,
): Promise<{ values: Float64Array; vectors: Float64Array }> {
  const size = Math.round(Math.sqrt(matrix.length));
  const a = Float64Array.from(matrix);
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  const scale = a.reduce((sum, value) => sum + value * value, 0);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off += a[p * size + q]! ** 2;
    if (off <= 1e-18 * scale) break;
    for (let p = 0; p < size; p++) {
      if (p % ROWS_PER_PAUSE === 0) await pause(signal);
      for (let q = p + 1; q < size; q++) rotate(a, vectors, size, p, q);
    }
  }
  return { values: Float64Array.from({ length: size }, (_, i) => a[i * size + i]!), vectors };
}

function rotate(a: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const apq = a[p * size + q]!;
  if (apq === 0) return;
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) turn(a, k * size + p, k * size + q, c, s);
  for (let k = 0; k < size; k++) turn(a, p * size + k, q * size + k, c, s);
  for (let k = 0; k < size; k++) turn(vectors, k * size + p, k * size + q, c, s);
}

function turn(values: Float64Array, i: number, j: number, c: number, s: number): void {
  const [x, y] = [values[i]!, values[j]!];
  values[i] = c * x - s * y;
  values[j] = s * x + c * y;
}
