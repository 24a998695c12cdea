import type { ConditionLog } from '../../../daemon/logger.ts';
import type { SeriesSample } from './sample.ts';

/** Samples that a receiver refused. */
export interface Refusal {
  readonly kind: 'bisect' | 'refused';
  readonly code: string;
  readonly reason: string;
  readonly samples: readonly SeriesSample[];
  /** True if the receiver wrote some of a batch and doesn't say which: `samples` has only the right number of them. */
  readonly isPartial?: true;
}

export function logRefusal(log: ConditionLog, { code, reason, samples, isPartial }: Refusal): void {
  const only = samples.length === 1 && isPartial !== true ? samples[0]?.sample : undefined;
  const conflict = 'another writer writes these series: do two scorers run for one shard?';
  log.failing('refused', code === 'conflict' ? conflict : 'remote write refused samples', `status ${code}`, {
    samples: samples.length,
    ...(only !== undefined && { series: `${only.name}${JSON.stringify(only.labels)}` }),
    reason,
  });
}
