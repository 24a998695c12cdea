import type { Reconstructor } from './reconstructor.ts';

/** A detector that a backtest compares with the autoencoder. To add one, add a file and list it in all.ts. */
export interface Detector {
  /** Its key in report.json. */
  readonly name: string;
  /** Its name in tables. */
  readonly title: string;
  /** Fits it to windows of fault-free time, each [channels, lags, features]. */
  readonly fit: (windows: readonly Float32Array[]) => Reconstructor;
}
