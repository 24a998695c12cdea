/** Anything that reconstructs a batch of windows. */
export interface Reconstructor {
  reconstruct(data: Float32Array, mask: Float32Array, count: number): Promise<Float32Array>;
}
