import type { BacktestResult } from '../../scorer/backtest/backtest.ts';
import { serviceName } from '../../scorer/service-key.ts';
import type { AppliedLoad } from './load-plan.ts';

/**
 * One line for each fault: how many cycles until the alert, which service's it was, and the rank of the broken one; and one
 * for each false alarm with the load at its time, which is the first suspect.
 */
export function renderAccount(result: BacktestResult, load: readonly AppliedLoad[]): string {
  const { evaluation, faults, intervalMs } = result;
  const name = (key: string) => serviceName(key).service;
  const told = evaluation.detections.map(({ fault, alert }, index) => {
    const rank = (evaluation.rankings[index]?.indexOf(fault.key) ?? -1) + 1;
    const cycles = alert === undefined ? NaN : (alert.firing * intervalMs - fault.startMs) / intervalMs;
    const seen = alert === undefined ? 'not seen' : `seen after ${cycles.toFixed(1)} cycles at ${name(alert.key)}`;
    return `${fault.type} on ${name(fault.key)}: ${seen}, ranked ${rank === 0 ? 'not at all' : rank}\n`;
  });
  const falsely = evaluation.alerts
    .filter(({ firing, last }) => !faults.some((fault) => firing <= fault.last && last >= fault.first))
    .map(({ key, onset, firing, last }) => {
      const timeMs = firing * intervalMs;
      const change = load.findLast(({ time }) => Date.parse(time) <= timeMs);
      const sinceMs = timeMs - Date.parse(change?.time ?? '');
      const after = `${Math.round(sinceMs / intervalMs)} cycles after a change to ${change?.level ?? '?'} visits a second`;
      return `false alarm on ${name(key)} for ${last - onset + 1} cycles, ${after}\n`;
    });
  return [...told, ...falsely].join('');
}
