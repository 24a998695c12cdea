import type { Alarms } from '../alarms.ts';
import type { BacktestResult } from '../backtest.ts';
import { displayName, type ServiceName } from '../../identity/service-key.ts';
import { ratio } from './columns.ts';

/** Rows of the tables of services and of signals. */
const MAX_ROWS = 10;

type Table = readonly (readonly string[])[];

/** Alarms of each detector, per service-day. */
export function rateTable({ alarms, detectors }: BacktestResult): Table {
  const row = (name: string, of: Alarms) => [
    name,
    ratio(of.warning_per_service_day),
    ratio(of.severe_per_service_day),
    ratio(of.service_days),
  ];
  return [
    ['alarms per service-day', 'warning', 'severe', 'service-days'],
    row('autoencoder', alarms),
    ...Object.entries(detectors).map(([name, of]) => row(name, of.alarms)),
  ];
}

/** The services with the most alarms. */
export function worstServices({ services }: Alarms): Table {
  return [
    ['service', 'warning', 'severe', 'minutes', 'signals'],
    ...services
      .slice(0, MAX_ROWS)
      .map(({ warning, severe, minutes, signals, ...name }) => [
        displayName(name as ServiceName),
        ...counts({ warning, severe, minutes }),
        signals.join(', '),
      ]),
  ];
}

/** The signals that led the most alarms. */
export function worstSignals({ signals }: Alarms): Table {
  return [
    ['signal', 'warning', 'severe', 'minutes'],
    ...signals.slice(0, MAX_ROWS).map(({ feature, ...of }) => [feature, ...counts(of)]),
  ];
}

function counts({ warning, severe, minutes }: { warning: number; severe: number; minutes: number }): string[] {
  return [`${warning}`, `${severe}`, minutes.toFixed(0)];
}
