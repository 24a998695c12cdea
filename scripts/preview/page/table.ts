import type { Panel } from '../dashboard.ts';
import type { Field, Frame } from '../frames.ts';
import { thresholdColour } from './colours.ts';
import { format } from './units.ts';

interface Steps {
  readonly steps: readonly { readonly value: number | null; readonly color: string }[];
}

/** Draws the frame left by the transformations, with headers and units from the panel's overrides. */
export function drawTable(into: HTMLElement, panel: Panel, frames: readonly Frame[]): void {
  const fields = frames[0]?.fields ?? [];
  const headers = fields.map(headerOf);
  const score = headers.indexOf('Score');
  const rows = Array.from({ length: frames[0]?.length ?? 0 }, (_, row) => row);
  if (score >= 0) rows.sort((a, b) => number(fields[score], b) - number(fields[score], a));
  const table = document.createElement('table');
  const head = table.createTHead().insertRow();
  for (const header of headers) {
    const cell = document.createElement('th');
    cell.textContent = header;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    fields.forEach((field, column) =>
      fill(line.insertCell(), field.values[row], propertiesOf(panel, headers[column] ?? '')),
    );
  }
  into.replaceChildren(table);
}

function fill(cell: HTMLTableCellElement, value: unknown, properties: ReadonlyMap<string, unknown>): void {
  const unit = properties.get('unit');
  cell.textContent = format(value, typeof unit === 'string' ? unit : undefined);
  const thresholds = properties.get('thresholds') as Steps | undefined;
  if (thresholds === undefined || typeof value !== 'number') return;
  cell.style.color = '#111217';
  cell.style.background = thresholdColour(value, thresholds.steps);
}

const headerOf = ({ name, config }: Field): string => config.displayName ?? name;

function propertiesOf(panel: Panel, header: string): ReadonlyMap<string, unknown> {
  const found = panel.fieldConfig?.overrides.filter(({ matcher }) => matcher.options === header) ?? [];
  return new Map(found.flatMap(({ properties }) => properties.map(({ id, value }) => [id, value] as const)));
}

function number(field: Field | undefined, row: number): number {
  const value = field?.values[row];
  return typeof value === 'number' ? value : -Infinity;
}
