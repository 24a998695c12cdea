import type { OutcomeCount, WriteOutcome } from './outcome.ts';
import type { SeriesSample } from './sample.ts';

/** The samples of one `write` until all are accepted or dropped. */
export interface QueuedCycle {
  readonly batches: (readonly SeriesSample[])[];
  readonly outcome: OutcomeCount;
  readonly done: (outcome: WriteOutcome) => void;
  readonly failed: (error: unknown) => void;
  /** The time by the clock that was right when the cycle was queued, milliseconds since the epoch: it is never set. */
  readonly now: () => number;
  /** Aborted when the cycle is dropped in favour of newer ones or the writer closes: nothing is sent after that. */
  readonly ended: AbortController;
  waiting: number;
  bisections: number;
}

/** @param batches in the order in which they are sent */
export function queuedCycle(
  batches: (readonly SeriesSample[])[],
  outcome: OutcomeCount,
  { done, failed }: Pick<QueuedCycle, 'done' | 'failed'>,
): QueuedCycle {
  const waiting = batches.reduce((sum, batch) => sum + batch.length, 0);
  const startedMs = Date.now() - performance.now();
  const now = () => startedMs + performance.now();
  return { batches, outcome, done, failed, now, ended: new AbortController(), waiting, bisections: 0 };
}
