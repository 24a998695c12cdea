import uPlot from 'uplot';
import type { FieldConfig, Panel } from '../dashboard.ts';
import type { Frame } from '../frames.ts';
import { colourOf } from './colours.ts';
import { format } from './units.ts';

const GRID = { stroke: '#25262d', width: 1 };
const LEGEND_HEIGHT = 36;
const BAND = 'rgba(142, 142, 142, 0.25)';

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly (number | null)[];
  /** An edge of a band, not a line of its own. */
  readonly edge: boolean;
}

/** Lines over time, stacked or with a threshold or a band as the panel asks for. */
export function drawTimeSeries(
  into: HTMLElement,
  panel: Panel,
  frames: readonly Frame[],
  from: number,
  to: number,
): void {
  const { defaults, overrides } = panel.fieldConfig ?? { defaults: {}, overrides: [] };
  const times = [...new Set(frames.flatMap((frame) => seconds(frame)))].sort((a, b) => a - b);
  const stacked = defaults.custom?.stacking?.mode === 'normal';
  const lines = frames.map((frame, index) => lineOf(frame, index, times, overrides));
  const data: uPlot.AlignedData = [times, ...(stacked ? stack(lines) : lines.map(({ values }) => [...values]))];
  const unit = frames.flatMap(({ fields }) => fields.map(({ config }) => config.unit)).find(Boolean) ?? defaults.unit;
  const threshold = defaults.custom?.thresholdsStyle?.mode === 'dashed';
  const plot = document.createElement('div');
  into.replaceChildren(plot, legendOf(lines, unit));
  const { width, height } = into.getBoundingClientRect();
  const options: uPlot.Options = {
    width,
    height: height - LEGEND_HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: [from, to] },
      y: { range: (_, least, most) => rangeOf(least, most, defaults.min, threshold) },
    },
    axes: axesOf(unit),
    series: [{}, ...lines.map((line) => seriesOf(line, stacked))],
    bands: stacked ? between(lines.length) : bandOf(lines),
    hooks: threshold ? { draw: [(drawn) => dash(drawn, 1)] } : {},
  };
  void new uPlot(options, data, plot);
}

function axesOf(unit: string | undefined): uPlot.Axis[] {
  const plain = { stroke: '#8e8e8e', grid: GRID, ticks: GRID };
  return [plain, { ...plain, size: 70, values: (_, splits) => splits.map((value) => format(value, unit)) }];
}

function seriesOf({ name, colour, edge }: Line, stacked: boolean): uPlot.Series {
  const fill = stacked ? { fill: `${colour}66` } : {};
  return { label: name, stroke: colour, width: edge ? 0 : 1.5, points: { show: false }, spanGaps: false, ...fill };
}

/** Fills between the two edges of a band. */
function bandOf(lines: readonly Line[]): uPlot.Band[] {
  const [low, high] = lines.flatMap(({ edge }, index) => (edge ? [index + 1] : []));
  return low === undefined || high === undefined ? [] : [{ series: [high, low], fill: BAND }];
}

function seconds(frame: Frame): number[] {
  return (frame.fields.find(({ type }) => type === 'time')?.values ?? []).map((value) => (value as number) / 1000);
}

function lineOf(frame: Frame, index: number, times: readonly number[], overrides: FieldConfig['overrides']): Line {
  const field = frame.fields.find(({ type }) => type === 'number');
  const byTime = new Map(seconds(frame).map((time, row) => [time, field?.values[row] as number]));
  const name = field?.config.displayNameFromDS ?? field?.name ?? '';
  const properties = overrides.find(({ matcher }) => matcher.options === name)?.properties ?? [];
  return {
    name,
    colour: colourOf(index),
    edge: properties.some(({ id, value }) => id === 'custom.lineWidth' && value === 0),
    values: times.map((time) => byTime.get(time) ?? null),
  };
}

function stack(lines: readonly Line[]): number[][] {
  let below: number[] = [];
  const sums = lines.map(({ values }) => (below = values.map((value, row) => (below[row] ?? 0) + (value ?? 0))));
  return sums;
}

/** Clips the fill of each stacked line at the line below. */
function between(lines: number): uPlot.Band[] {
  return Array.from({ length: Math.max(0, lines - 1) }, (_, index) => ({ series: [index + 2, index + 1] }));
}

function rangeOf(
  least: number | null,
  most: number | null,
  min: number | undefined,
  threshold: boolean,
): [number, number] {
  const low = min ?? least ?? 0;
  const high = Math.max(most ?? 1, threshold ? 1.5 : -Infinity);
  return [low, high === low ? low + 1 : high + (high - low) * 0.05];
}

/** A dashed line across the plot. */
function dash(plot: uPlot, value: number): void {
  const y = plot.valToPos(value, 'y', true);
  const { left, width } = plot.bbox;
  plot.ctx.save();
  plot.ctx.strokeStyle = '#f2495c';
  plot.ctx.setLineDash([8, 6]);
  plot.ctx.beginPath();
  plot.ctx.moveTo(left, y);
  plot.ctx.lineTo(left + width, y);
  plot.ctx.stroke();
  plot.ctx.restore();
}

function legendOf(lines: readonly Line[], unit: string | undefined): HTMLElement {
  const legend = document.createElement('div');
  legend.className = 'legend';
  for (const { name, colour, values, edge } of lines) {
    if (edge) continue;
    const item = document.createElement('span');
    const mark = document.createElement('i');
    mark.style.background = colour;
    item.append(mark, `${name} ${format(values.findLast((value) => value !== null) ?? undefined, unit)}`);
    legend.append(item);
  }
  return legend;
}
