/** A detector: a model that reconstructs a batch of windows. */
export interface Reconstructor {
  /**
   * @param data [count, channels, lags, features], values in 0..1; missing entries are ignored
   * @param mask of the same shape: 1 observed, 0 missing
   * @returns the expected values, of the same shape, missing entries included
   */
  reconstruct(data: Float32Array, mask: Float32Array, count: number): Promise<Float32Array>;
}

/** A reconstructor that a backtest puts in the autoencoder's place. To add one, add a file and list it in baselines.ts. */
export interface BaselineDetector {
  /** Its key in report.json. */
  readonly name: string;
  /** Its name in tables. */
  readonly title: string;
  /** Fits it to windows of fault-free time, each [channels, lags, features]. @throws the reason of `signal` if it aborts */
  readonly fit: (windows: readonly Float32Array[], signal?: AbortSignal) => Promise<Reconstructor>;
}
