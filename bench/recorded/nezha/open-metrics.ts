import { edgeLabels, NAMESPACE, samples } from '../open-metrics.ts';
import type { Folder } from './folder.ts';
import type { Table } from './table.ts';

const EDGE_LATENCY = 'edge_latency_seconds';

/** A gauge `pod_<column>` for each column of the files of pods, one family at a time. */
export function* podSeries({ pods }: Folder): Generator<string> {
  const columns = new Set(pods.flatMap(({ table }) => table.columns));
  for (const column of columns) {
    const name = `pod_${snakeCase(column)}`;
    yield `# TYPE ${name} gauge\n`;
    for (const { pod, service, table } of pods) {
      yield samples(name, { namespace: NAMESPACE, service, pod }, pointsOf(table, column));
    }
  }
}

/** The gauge `edge_latency_seconds`. */
export function* edgeSeries({ edges }: Folder): Generator<string> {
  if (edges.length > 0) yield `# TYPE ${EDGE_LATENCY} gauge\n`;
  for (const { side, percentile, table } of edges) {
    for (const column of table.columns) {
      const [client, server] = column.split('_', 2);
      if (client === undefined || server === undefined) continue;
      yield samples(EDGE_LATENCY, { ...edgeLabels(client, server), side, percentile }, pointsOf(table, column));
    }
  }
}

/** `CpuUsage(m)` -> `cpu_usage_m`. */
export function snakeCase(column: string): string {
  return column
    .replaceAll('%', 'percent')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toLowerCase();
}

function pointsOf({ columns, timesMs, values }: Table, name: string): (readonly [number, number])[] {
  const index = columns.indexOf(name);
  return index < 0 ? [] : timesMs.map((timeMs, row) => [timeMs, values[row]?.[index] ?? NaN] as const);
}
