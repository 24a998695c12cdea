import type { Fault } from '../../scorer/backtest/labels.ts';
import type { TimeSpan } from '../../scorer/fleet/past.ts';

/** Default share of the fault-free time for learning; the rest is for false alarms. */
export const TRAINING_SHARE = 2 / 3;

/** From the start until that share of the fault-free time has passed. */
export function trainingTime(
  recorded: TimeSpan,
  faults: readonly Fault[],
  share: number,
  graceMs: number,
  stepMs: number,
): TimeSpan {
  const free: number[] = [];
  for (let timeMs = recorded.fromMs; timeMs <= recorded.toMs; timeMs += stepMs) {
    if (!faults.some(({ startMs, endMs }) => timeMs >= startMs && timeMs <= endMs + graceMs)) free.push(timeMs);
  }
  return { fromMs: recorded.fromMs, toMs: free[Math.floor(free.length * share)] ?? recorded.toMs };
}
