export interface Place {
  readonly x: number;
  readonly y: number;
}

const MARGIN = { x: 60, y: 44 };
const SWEEPS = 8;

/** Places services in columns, callers to the left of callees, and near their neighbours within a column. */
export function layOut(
  ids: readonly string[],
  calls: readonly (readonly [source: string, target: string])[],
  width: number,
  height: number,
): ReadonlyMap<string, Place> {
  const columns = order(columnsOf(ids, calls), calls);
  const step = (width - 2 * MARGIN.x) / Math.max(1, columns.length - 1);
  const places = new Map<string, Place>();
  columns.forEach((column, index) => {
    const gap = (height - 2 * MARGIN.y) / column.length;
    column.forEach((id, row) => {
      const x = columns.length === 1 ? width / 2 : MARGIN.x + index * step;
      places.set(id, { x, y: MARGIN.y + (row + 0.5) * gap });
    });
  });
  return places;
}

/**
 * Places a service one column right of its last caller. The number of rounds is limited, because calls may form a
 * cycle.
 */
function columnsOf(ids: readonly string[], calls: readonly (readonly [string, string])[]): string[][] {
  const depth = new Map(ids.map((id) => [id, 0]));
  for (let round = 0; round < ids.length; round++) {
    let moved = false;
    for (const [source, target] of calls) {
      const next = (depth.get(source) ?? 0) + 1;
      if (source === target || next <= (depth.get(target) ?? 0) || next >= ids.length) continue;
      depth.set(target, next);
      moved = true;
    }
    if (!moved) break;
  }
  const used = [...new Set(depth.values())].sort((a, b) => a - b);
  return used.map((level) => ids.filter((id) => depth.get(id) === level));
}

/** Sorts each column by the mean row of its neighbours, repeatedly. */
function order(columns: string[][], calls: readonly (readonly [string, string])[]): string[][] {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const row = new Map(
      columns.flatMap((column) => column.map((id, index) => [id, (index + 0.5) / column.length] as const)),
    );
    const mean = (id: string) => {
      const rows = calls
        .flatMap(([source, target]) => (source === id ? [target] : target === id ? [source] : []))
        .map((other) => row.get(other) ?? 0.5);
      return rows.reduce((sum, value) => sum + value, 0) / Math.max(1, rows.length);
    };
    for (const column of columns) column.sort((a, b) => mean(a) - mean(b));
  }
  return columns;
}
