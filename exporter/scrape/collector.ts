import { performance } from 'node:perf_hooks';
import type { ConditionLog } from '../../daemon/logger.ts';
import type { Exposition } from './exposition.ts';

/** A group of families on /metrics. */
export interface Collector {
  readonly name: string;
  /** True if its failure has already been logged. */
  readonly isLogged?: boolean;
  /** Writes complete families. If it throws, its output is discarded. */
  collect(out: Exposition): void | Promise<void>;
  /** Attributes the kernel's counts to the current targets. Called before the targets change. */
  book?(): void;
}

/** The result of one collector in a scrape. */
export interface CollectorOutcome {
  readonly name: string;
  readonly success: boolean;
  readonly seconds: number;
}

/** Replaces a collector that is unavailable on this machine. `isLogged`: the reason has already been logged. */
export function unavailable(name: string, reason: Error, isLogged = false): Collector {
  return {
    name,
    isLogged,
    collect() {
      throw reason;
    },
  };
}

/** Runs one collector. Logs a failure when it starts and ends, and discards its output. */
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
    if (collector.isLogged !== true) log.failing(name, 'collector failed', error, { collector: name });
  }
  return { name, success, seconds: (performance.now() - start) / 1000 };
}
