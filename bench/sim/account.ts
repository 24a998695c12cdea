import type { Alert } from '../../scorer/backtest/alerts.ts';
import type { BacktestResult } from '../../scorer/backtest/backtest.ts';
import { serviceName } from '../../scorer/identity/service-key.ts';
import { pressureBetween } from './pressure.ts';
import type { Surroundings } from './recording.ts';

/**
 * One line for each fault, with the number of cycles until the alert, the alert's service, and the rank of the faulty
 * service; and one for each false alarm, with the first suspect, the load and the state of the machine.
 */
export function renderAccount(result: BacktestResult, surroundings: Surroundings): string {
  const { evaluation, faults } = result;
  const falsely = evaluation.alerts.filter(
    ({ firing, last }) => !faults.some((fault) => firing <= fault.last && last >= fault.first),
  );
  return [...faultLines(result), ...falsely.map((alert) => falseAlarmLine(alert, result, surroundings))].join('');
}

function faultLines({ evaluation, intervalMs }: BacktestResult): string[] {
  return evaluation.detections.map(({ fault, alert }, index) => {
    const rank = (evaluation.rankings[index]?.indexOf(fault.key) ?? -1) + 1;
    const cycles = alert === undefined ? NaN : alert.firing - fault.startMs / intervalMs;
    const seen = alert === undefined ? 'not seen' : `seen after ${cycles.toFixed(1)} cycles at ${name(alert.key)}`;
    return `${fault.type} on ${name(fault.key)}: ${seen}, ranked ${rank === 0 ? 'not at all' : rank}\n`;
  });
}

function falseAlarmLine(
  { key, onset, last }: Alert,
  { intervalMs, window }: BacktestResult,
  { load, pressure }: Surroundings,
): string {
  const change = load.findLast(({ time }) => Date.parse(time) <= onset * intervalMs);
  const since = Math.round(onset - Date.parse(change?.time ?? '') / intervalMs);
  const percent = (fromMs: number, toMs: number) => `${(100 * pressureBetween(pressure, fromMs, toMs)).toFixed(0)} %`;
  const around = percent((onset - 2) * intervalMs, (last + 1) * intervalMs);
  return (
    `false alarm on ${name(key)} for ${last - onset + 1} cycles, ${since} after a change to ${change?.level ?? '?'} visits a ` +
    `second; programs waited for a processor ${around} of the time, usually ${percent(window.fromMs, window.toMs)}\n`
  );
}

function name(key: string): string {
  return serviceName(key).service;
}
