import { recordedMetrics } from '../../../bench/recorded/recording.ts';

/** The lines of a recording's metrics. */
export async function metricsOf(folder: string, withoutEdges = false): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of recordedMetrics(folder, withoutEdges)) lines.push(line.trimEnd());
  return lines;
}
