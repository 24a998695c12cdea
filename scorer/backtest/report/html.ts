import { displayName, serviceName } from '../../identity/service-key.ts';
import type { BacktestResult } from '../backtest.ts';
import { rateTable, worstServices, worstSignals } from './alarm-tables.ts';
import { COLUMNS } from './columns.ts';
import type { FaultSpan } from '../detection.ts';
import type { Evaluation } from '../figures.ts';

const WIDTH = 1100;
const HEIGHT = 90;
/** Upper end of the score axis; higher scores are clipped. */
const MAX_SCORE = 5;

/**
 * Renders a self-contained page: the evaluation table, the outcome of each fault, and the score curve of each service.
 */
export function renderHtml(
  result: BacktestResult,
  evaluations: readonly { readonly name: string; readonly evaluation: Evaluation }[],
): string {
  const { replay, faults } = result;
  const plots = [...replay.scores].sort(([a], [b]) => (a < b ? -1 : 1));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lorikeet backtest</title>
<style>
body { font: 14px system-ui, sans-serif; margin: 2rem; color: #222 }
table { border-collapse: collapse; margin-bottom: 2rem }
td, th { border: 1px solid #ccc; padding: .3rem .6rem; text-align: left }
h3 { margin: 1rem 0 .2rem }
svg { background: #fafafa; border: 1px solid #ddd }
.fault { fill: #ccc } .own { fill: #f3a6a6 } .score { fill: none; stroke: #1f5fa8 } .threshold { stroke: #c00; stroke-dasharray: 4 3 }
</style></head><body>
<h1>Backtest</h1>
<p>${escape(time(result.window.fromMs))} to ${escape(time(result.window.toMs))}, learned from ${escape(time(result.training.fromMs))} to ${escape(time(result.training.toMs))}; ${result.services} services, ${faults.length} faults.</p>
${faults.length === 0 ? '' : table([['', ...COLUMNS.map(([title]) => title)], ...evaluations.map(({ name: detector, evaluation }) => [detector, ...COLUMNS.map(([, text]) => text(evaluation.figures))])])}
${faults.length === 0 ? '' : `<h2>Faults</h2>\n${table([['start', 'service', 'type', 'alert', 'ranked'], ...faultRows(result)])}`}
<h2>Alarms</h2>
${[rateTable(result), worstServices(result.alarms), worstSignals(result.alarms)].map(table).join('\n')}
<h2>Scores</h2>
<p>The red line is the threshold, 1; scores above ${MAX_SCORE} are clipped. Red bands: faults in this service; grey bands: faults in others.</p>
${plots.map(([key, scores]) => plot(key, scores, result)).join('\n')}
</body></html>
`;
}

function faultRows({ evaluation, intervalMs }: BacktestResult): string[][] {
  return evaluation.detections.map(({ fault, alert }, index) => {
    const rank = (evaluation.rankings[index]?.indexOf(fault.key) ?? -1) + 1;
    return [
      time(fault.startMs),
      label(fault.key),
      fault.type,
      alert === undefined ? 'none' : `${time(alert.firing * intervalMs)} ${label(alert.key)}`,
      rank === 0 ? 'no' : `${rank}`,
    ];
  });
}

function plot(key: string, scores: Float64Array, { replay, faults, intervalMs }: BacktestResult): string {
  const [first, last] = [replay.steps[0] ?? 0, replay.steps.at(-1) ?? 1];
  const x = (step: number) => (((step - first) / Math.max(1, last - first)) * WIDTH).toFixed(1);
  const y = (score: number) => (HEIGHT * (1 - Math.min(score, MAX_SCORE) / MAX_SCORE)).toFixed(1);
  const band = ({ startMs, endMs, key: at }: FaultSpan) => {
    const [left, right] = [Number(x(startMs / intervalMs)), Number(x(endMs / intervalMs))];
    const width = Math.max(1, right - left).toFixed(1);
    return `<rect class="${at === key ? 'own' : 'fault'}" x="${left}" y="0" width="${width}" height="${HEIGHT}"/>`;
  };
  let path = '';
  for (const [index, step] of replay.steps.entries()) {
    const score = scores[index] ?? NaN;
    if (!Number.isFinite(score)) continue;
    const joined = step === (replay.steps[index - 1] ?? NaN) + 1 && Number.isFinite(scores[index - 1]);
    path += `${joined && path !== '' ? 'L' : 'M'}${x(step)} ${y(score)}`;
  }
  return `<h3>${escape(label(key))}</h3>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="Score of ${escape(label(key))}">
${faults.map(band).join('')}<line class="threshold" x1="0" x2="${WIDTH}" y1="${y(1)}" y2="${y(1)}"/><path class="score" d="${path}"/>
</svg>`;
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${row(head, 'th')}${rows.map((cells) => row(cells, 'td')).join('')}</table>`;
}

function label(key: string): string {
  return displayName(serviceName(key));
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
