import { writeTextFile } from '../../../daemon/files/write-file.ts';
import { formatDuration } from '../../../daemon/config-file.ts';
import type { BacktestResult } from '../backtest.ts';
import { rateTable, worstServices, worstSignals } from './alarm-tables.ts';
import type { Alarms } from '../alarms.ts';
import { COLUMNS, ratio } from './columns.ts';
import type { Evaluation, Figures } from '../figures.ts';
import { renderHtml } from './html.ts';
import { markdown } from './markdown.ts';

/** The evaluations of the model and of each baseline, with their names in the table. */
export function evaluations({
  evaluation,
  detectors,
  baselines,
}: BacktestResult): { readonly name: string; readonly evaluation: Evaluation }[] {
  return [
    { name: 'autoencoder', evaluation },
    ...Object.entries(detectors).map(([name, of]) => ({ name, evaluation: of.evaluation })),
    ...baselines.map((baseline) => ({ ...baseline, name: baseline.title })),
  ];
}

/** The content of `report.json`; null for metrics that couldn't be measured. */
export function reportOf(result: BacktestResult) {
  const { window, training, services, faults, alert, evaluation, alarms, detectors, baselines } = result;
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    window: {
      from: time(window.fromMs),
      to: time(window.toMs),
      train_from: time(training.fromMs),
      train_to: time(training.toMs),
    },
    services,
    faults: faults.length,
    alert: { cycles: alert.cycles, seconds_after_last: alert.firingDelayMs / 1000 },
    ...rounded(evaluation.figures),
    alarms: rounded(alarms),
    ...(Object.keys(detectors).length > 0 && {
      detectors: Object.fromEntries(
        Object.entries(detectors).map(([name, of]) => [
          name,
          { ...rounded(of.evaluation.figures), alarms: rounded(of.alarms) },
        ]),
      ),
    }),
    baselines: Object.fromEntries(baselines.map(({ name, evaluation: of }) => [name, rounded(of.figures)])),
  };
}

function rounded<T extends Figures | Alarms>(figures: T): T {
  return JSON.parse(
    JSON.stringify(figures, (_, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(4)) : value)),
  ) as T;
}

/** Writes the reports for which there is a path. */
export async function writeReports(
  result: BacktestResult,
  paths: { readonly json?: string; readonly html?: string },
): Promise<void> {
  if (paths.json !== undefined) writeTextFile(paths.json, `${JSON.stringify(reportOf(result), null, 2)}\n`);
  if (paths.html !== undefined) writeTextFile(paths.html, renderHtml(result, evaluations(result)));
}

/** Renders the tables for stdout, in Markdown: without faults, only the alarms. */
export function renderTable(result: BacktestResult): string {
  return result.faults.length === 0 ? alarmTables(result) : `${faultTables(result)}\n${alarmTables(result)}`;
}

function alarmTables(result: BacktestResult): string {
  const { services, faults, alarms, intervalMs, replay, training } = result;
  const hours = (replay.steps.length * intervalMs) / 3_600_000;
  const learned = `learned from ${minute(training.fromMs)} to ${minute(training.toMs)}`;
  const intro = faults.length > 0 ? '' : `${services} services, ${hours.toFixed(1)} h replayed, ${learned}\n\n`;
  if (alarms.services.length === 0) return `${intro}${markdown(rateTable(result))}`;
  return `${intro}${[rateTable(result), worstServices(alarms), worstSignals(alarms)].map(markdown).join('\n')}`;
}

function minute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`;
}

function faultTables(result: BacktestResult): string {
  const { services, faults, alert, evaluation, intervalMs, replay } = result;
  const rows = [
    ['', ...COLUMNS.map(([title]) => title)],
    ...evaluations(result).map(({ name, evaluation: { figures } }) => [
      name,
      ...COLUMNS.map(([, text]) => text(figures)),
    ]),
  ];
  const types = [
    ['fault type', 'faults', 'recall', 'root cause @1'],
    ...Object.entries(evaluation.figures.by_type).map(([type, of]) => [
      type,
      `${of.faults}`,
      ratio(of.recall),
      ratio(of.at_1),
    ]),
  ];
  const hours = (replay.steps.length * intervalMs) / 3_600_000;
  const intro =
    `${services} services, ${faults.length} faults, ${hours.toFixed(1)} h replayed; false alarms per service-day, ` +
    `on ${evaluation.serviceDays.toFixed(2)} fault-free service-days; delay to score ${alert.cycles} in a row above 1, ` +
    `the alert fires at most ${formatDuration(alert.firingDelayMs)} later`;
  return `${intro}\n\n${markdown(rows)}\n${markdown(types)}`;
}
