import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { edgeLabels, CALL_GRAPH, NAMESPACE, samples } from '../open-metrics.ts';
import type { Converted } from '../write-recording.ts';
import { type Folder, readFolder } from './folder.ts';
import { edgeSeries, podSeries } from './open-metrics.ts';
import { readTraces } from './traces.ts';

/** Folders of traces beside `metric`. */
const TRACES = ['normal-trace', 'trace'];

/**
 * Converts a folder of pods' metrics, `metric/<pod>_metric.csv`. The edges are those of the edge files with their latencies;
 * without these files, the call graph is that of the traces, if there are any.
 */
export function fromNezha(from: string): Converted {
  const folder = readFolder(from);
  return {
    settings: { source: basename(from) },
    features: 'bench/recorded/nezha/features.yaml',
    faults: folder.faults.map(({ startMs, service, pod, type }) => ({
      start: new Date(startMs).toISOString(),
      namespace: NAMESPACE,
      service,
      pod,
      type,
    })),
    services: podSeries(folder),
    edges: folder.edges.length > 0 ? edgeSeries(folder) : callGraph(from, folder),
  };
}

async function* callGraph(from: string, { pods }: Folder): AsyncGenerator<string> {
  const ones = (pods[0]?.table.timesMs ?? []).map((timeMs) => [timeMs, 1] as const);
  const edges = new Map<string, readonly [string, string]>();
  for (const traces of TRACES.map((name) => join(from, name)).filter(existsSync)) {
    for (const edge of await tracedEdges(traces)) edges.set(edge.join(' '), edge);
  }
  if (edges.size > 0) yield `# TYPE ${CALL_GRAPH} gauge\n`;
  for (const edge of edges.values()) yield samples(CALL_GRAPH, edgeLabels(...edge), ones);
}

/** Caller and callee of each call in traces. */
async function tracedEdges(folder: string): Promise<(readonly [string, string])[]> {
  const edges: (readonly [string, string])[] = [];
  for await (const { spans } of readTraces(folder)) {
    const services = new Map(spans.map(({ spanId, service }) => [spanId, service.service]));
    for (const { parentId, service } of spans) {
      const caller = parentId === undefined ? undefined : services.get(parentId);
      if (caller !== undefined && caller !== service.service) edges.push([caller, service.service]);
    }
  }
  return edges;
}
