import { performance } from 'node:perf_hooks';
import type { ConditionLog } from '../../daemon/logger.ts';
import type { Exposition } from './exposition.ts';

/** One group of families of /metrics. */
export interface Collector {
  readonly name: string;
  /** Whether the log has told already that it doesn't work. */
  readonly told?: boolean;
  /** Writes whole families. May throw: then none of its output is kept. */
  collect(out: Exposition): void | Promise<void>;
  /** Gives what the kernel counted so far to those who are known so far. Called before it changes who is who. */
  book?(): void;
}

/** How one collector's part of a scrape went. */
export interface CollectorOutcome {
  readonly name: string;
  readonly success: boolean;
  readonly seconds: number;
}

/** Stands for a collector that can't work here; `told` if the log has said why. */
export function unavailable(name: string, reason: Error, told = false): Collector {
  return {
    name,
    told,
    collect() {
      throw reason;
    },
  };
}

/** Runs one collector; its failure is logged on change of state and leaves nothing in `out`. */
export async function runCollector(
  collector: Collector,
  out: Exposition,
  log: ConditionLog,
): Promise<CollectorOutcome> {
  const { name } = collector;
  const mark = out.mark();
  const start = performance.now();
  let success = true;
  try {
    await collector.collect(out);
    log.recovered(name, 'collector recovered', { collector: name });
  } catch (error) {
    success = false;
    out.rollback(mark);
    if (collector.told !== true) log.failing(name, 'collector failed', error, { collector: name });
  }
  return { name, success, seconds: (performance.now() - start) / 1000 };
}
