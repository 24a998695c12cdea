import type { Panel } from '../dashboard.ts';
import type { Frame } from '../frames.ts';
import { divergingColour } from './colours.ts';

const LABEL_WIDTH = 190;
const FONT = '11px Inter, Helvetica, Arial, sans-serif';

/** A row for each series, a cell for each moment. */
export function drawHeatMap(into: HTMLElement, panel: Panel, frames: readonly Frame[], from: number, to: number): void {
  const canvas = document.createElement('canvas');
  const { width, height } = into.getBoundingClientRect();
  canvas.width = width;
  canvas.height = height;
  into.replaceChildren(canvas);
  const context = canvas.getContext('2d');
  if (context === null) return;
  const max = panel.fieldConfig?.defaults.max ?? 1;
  const rowHeight = (height - 8) / frames.length;
  context.font = FONT;
  frames.forEach((frame, row) => {
    const [time, value] = frame.fields;
    const y = row * rowHeight;
    context.fillStyle = '#ccccdc';
    context.fillText(value?.config.displayNameFromDS ?? '', 8, y + rowHeight / 2 + 4);
    const times = (time?.values ?? []) as readonly number[];
    const cell = ((width - LABEL_WIDTH) * ((times[1] ?? 0) - (times[0] ?? 0))) / 1000 / (to - from);
    times.forEach((milliseconds, index) => {
      context.fillStyle = divergingColour((value?.values[index] as number) / max);
      const x = LABEL_WIDTH + ((width - LABEL_WIDTH) * (milliseconds / 1000 - from)) / (to - from);
      context.fillRect(x, y + 1, Math.ceil(cell), rowHeight - 2);
    });
  });
}
