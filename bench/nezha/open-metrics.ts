import { type Labels, renderLabels } from '../../daemon/labels.ts';
import type { Folder } from './folder.ts';
import type { Table } from './table.ts';

/** The recordings have no namespaces. */
export const NAMESPACE = 'default';
export const EDGE_LATENCY = 'edge_latency_seconds';

/**
 * A folder's raw series as OpenMetrics text, one family at a time: a gauge `pod_<column>` for each column of the files
 * of pods, and `edge_latency_seconds` for those of edges.
 */
export function* rawSeries(folder: Folder): Generator<string> {
  const columns = new Set(folder.pods.flatMap(({ table }) => table.columns));
  for (const column of columns) {
    const name = `pod_${snakeCase(column)}`;
    yield `# TYPE ${name} gauge\n`;
    for (const { pod, service, table } of folder.pods) {
      yield samples(`${name}${labels({ namespace: NAMESPACE, service, pod })}`, table, column);
    }
  }
  if (folder.edges.length > 0) yield `# TYPE ${EDGE_LATENCY} gauge\n`;
  for (const { side, percentile, table } of folder.edges) {
    for (const column of table.columns) {
      const [client, server] = column.split('_', 2);
      if (client === undefined || server === undefined) continue;
      yield samples(`${EDGE_LATENCY}${labels({ ...edgeLabels(client, server), side, percentile })}`, table, column);
    }
  }
  yield '# EOF\n';
}

export function edgeLabels(client: string, server: string): Readonly<Record<string, string>> {
  return { client_namespace: NAMESPACE, client_service: client, server_namespace: NAMESPACE, server_service: server };
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

export function labels(pairs: Labels): string {
  return `{${renderLabels(pairs)}}`;
}

function samples(series: string, table: Table, column: string): string {
  const index = table.columns.indexOf(column);
  if (index < 0) return '';
  let text = '';
  for (const [row, timeMs] of table.timesMs.entries()) {
    const value = table.values[row]?.[index] ?? NaN;
    if (Number.isFinite(value)) text += `${series} ${value} ${timeMs / 1000}\n`;
  }
  return text;
}
