import type { Replay } from '../../../scorer/backtest/replay.ts';
import type { BacktestSession } from '../../../scorer/backtest/session.ts';
import type { FeatureSet } from '../../../scorer/features/features.ts';

/** A way to detect faults and rank their causes. */
export interface Method {
  /** Its key in results. */
  readonly name: string;
  /** Its name in tables. */
  readonly title: string;
  /** True if it depends on the seed. */
  readonly seeded?: boolean;
  /** False if it only ranks. Default: true. */
  readonly detects?: boolean;
  readonly replay: (session: BacktestSession, seed: number, set: FeatureSet) => Promise<Replay> | Replay;
}
