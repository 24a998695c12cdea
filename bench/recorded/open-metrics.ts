import { type Labels, renderLabels } from '../../daemon/labels.ts';

/** Namespace of recordings that have none. */
export const NAMESPACE = 'default';
/** A gauge of 1 for each edge of a call graph whose calls have no figures. */
export const CALL_GRAPH = 'calls';

export function edgeLabels(client: string, server: string): Readonly<Record<string, string>> {
  return { client_namespace: NAMESPACE, client_service: client, server_namespace: NAMESPACE, server_service: server };
}

export function labels(pairs: Labels): string {
  return `{${renderLabels(pairs)}}`;
}

/** The lines of one series; values that are not finite are left out. */
export function samples(name: string, of: Labels, points: Iterable<readonly [timeMs: number, value: number]>): string {
  const series = `${name}${labels(of)}`;
  let text = '';
  for (const [timeMs, value] of points) if (Number.isFinite(value)) text += `${series} ${value} ${timeMs / 1000}\n`;
  return text;
}
