/** The colours of Grafana's classic palette used by the dashboards. */
const PALETTE = [
  '#73bf69',
  '#f2cc0c',
  '#5794f2',
  '#ff9830',
  '#f2495c',
  '#b877d9',
  '#37872d',
  '#8ab8ff',
  '#ffa6b0',
  '#fade2a',
  '#c4162a',
  '#96d98d',
];

export function colourOf(index: number): string {
  return PALETTE[index % PALETTE.length] ?? '#ffffff';
}

interface Step {
  readonly value: number | null;
  readonly color: string;
}

/** The colour of the highest threshold reached by a value. */
export function thresholdColour(value: number, steps: readonly Step[] = []): string {
  return steps.findLast((step) => step.value === null || value >= step.value)?.color ?? '#ccccdc';
}

/** Blue to grey to red, for -1 to 1. */
export function divergingColour(position: number): string {
  const strength = Math.min(1, Math.abs(position));
  const [red, green, blue] = position > 0 ? [242, 73, 92] : [87, 148, 242];
  const mix = (channel: number) => Math.round(40 + (channel - 40) * strength);
  return `rgb(${mix(red)}, ${mix(green)}, ${mix(blue)})`;
}
