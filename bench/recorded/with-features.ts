import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import type { StopStack } from '../../daemon/lifecycle.ts';
import {
  CHANNELS,
  EDGE_SERIES,
  type Feature,
  type FeatureSet,
  POD_SERIES,
  SERVICE_SERIES,
  expandExpression,
} from '../../scorer/features/features.ts';
import type { TimeSpan } from '../../scorer/fleet/past.ts';
import { PrometheusClient, type RangeSeries } from '../../scorer/prometheus/client.ts';
import { type RunningPrometheus, startPrometheus } from '../../test/testserver/prometheus.ts';
import { labels } from './open-metrics.ts';

const TIMEOUT_MS = 300_000;

/** Queries a Prometheus; `close` ends its connections. */
export function connect(url: string): { readonly client: PrometheusClient; readonly close: () => Promise<void> } {
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: TIMEOUT_MS });
  return { client: new PrometheusClient({ url, http }), close: () => http.close() };
}

export interface FeatureOptions {
  readonly set: FeatureSet;
  readonly span: TimeSpan;
  readonly intervalMs: number;
  readonly stops: StopStack;
  readonly onProgress: (phase: string, share: number, detail: string) => void;
}

/**
 * A Prometheus with the results of the recording rules over raw series, as if it had evaluated them all the time: one
 * Prometheus has the raw series and evaluates each rule over the recorded time, a second one starts with the results.
 *
 * @param raw OpenMetrics text
 */
export async function startWithFeatures(
  raw: AsyncIterable<string>,
  { set, span, intervalMs, stops, onProgress }: FeatureOptions,
): Promise<RunningPrometheus> {
  onProgress('backfill', 0, 'raw series');
  const source = await startPrometheus({ history: raw });
  stops.onStop('prometheus of the raw series', () => source.stop());
  const { client, close } = connect(source.url);
  const chunks: string[] = [];
  try {
    const rules = [
      ...serviceRules(set),
      ...shortestWindow(set, set.edges, EDGE_SERIES),
      ...shortestWindow(set, set.pods, POD_SERIES),
    ];
    for (const [index, { name, series, expr, extra }] of rules.entries()) {
      await client.queryRange(expr, span.fromMs, span.toMs, intervalMs, {
        visit: (result) => chunks.push(openMetrics(series, result, extra)),
      });
      onProgress('rules', (index + 1) / rules.length, name);
    }
  } finally {
    await close();
    await source.stop();
  }
  onProgress('backfill', 0.5, 'features');
  const prometheus = await startPrometheus({ history: [...chunks, '# EOF\n'] });
  stops.onStop('prometheus', () => prometheus.stop());
  return prometheus;
}

interface Rule {
  readonly name: string;
  readonly series: string;
  readonly expr: string;
  readonly extra: Readonly<Record<string, string>>;
}

function serviceRules(set: FeatureSet): Rule[] {
  return set.features.flatMap((feature) =>
    CHANNELS.map((channel, index) => rule(set, feature, SERVICE_SERIES, index, { channel })),
  );
}

function shortestWindow(set: FeatureSet, features: readonly Feature[], series: string): Rule[] {
  return features.map((feature) => rule(set, feature, series, 0, {}));
}

function rule(
  set: FeatureSet,
  feature: Feature,
  series: string,
  window: number,
  extra: Readonly<Record<string, string>>,
): Rule {
  const expr = expandExpression(feature, set.windows[window] ?? 0);
  return { name: feature.name, series, expr, extra: { feature: feature.name, ...extra } };
}

function openMetrics(name: string, series: RangeSeries, extra: Readonly<Record<string, string>>): string {
  const head = `${name}${labels({ ...series.labels, ...extra })}`;
  let text = '';
  for (const [index, value] of series.values.entries()) {
    if (Number.isFinite(value)) text += `${head} ${value} ${(series.timestamps[index] ?? 0) / 1000}\n`;
  }
  return text;
}
