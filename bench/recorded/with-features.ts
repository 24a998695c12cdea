import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { StopStack } from '../../daemon/lifecycle.ts';
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
import { labels } from './open-metrics.ts';
import { startWithHistory } from './start-with-history.ts';

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
  /** True to evaluate the rules of pods as well, which only some detectors read. */
  readonly withPods: boolean;
  readonly stops: StopStack;
  readonly onProgress: (phase: string, share: number, detail: string) => void;
}

/**
 * A Prometheus with the results of the recording rules over raw series, as if it had evaluated them all the time: one
 * Prometheus has the raw series and evaluates each rule over the recorded time, a second one starts with the results.
 *
 * @param raw OpenMetrics text
 * @returns its address
 */
export async function startWithFeatures(
  raw: AsyncIterable<string>,
  { set, span, intervalMs, withPods, stops, onProgress }: FeatureOptions,
): Promise<string> {
  onProgress('backfill', 0, 'raw series');
  const own = new StopStack();
  stops.onStop('prometheus of the raw series', () => own.stop());
  const { client, close } = connect(await startWithHistory(raw, own));
  const chunks: string[] = [];
  try {
    const rules = [
      ...serviceRules(set),
      ...shortestWindow(set, set.edges, EDGE_SERIES),
      ...(withPods ? shortestWindow(set, set.pods, POD_SERIES) : []),
    ];
    for (const [index, { name, series, expr, extra }] of rules.entries()) {
      await client.queryRange(expr, span.fromMs, span.toMs, intervalMs, {
        visit: (result) => chunks.push(openMetrics(series, result, extra)),
      });
      onProgress('rules', (index + 1) / rules.length, name);
    }
  } finally {
    await close();
    await own.stop();
  }
  onProgress('backfill', 0.5, 'features');
  return await startWithHistory([...chunks, '# EOF\n'], stops);
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
