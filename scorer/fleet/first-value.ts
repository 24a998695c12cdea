import { SERVICE_SERIES } from '../features/features.ts';
import type { PrometheusClient } from '../prometheus/client.ts';
import { selectorOf } from '../prometheus/selector.ts';
import type { TimeSpan } from './past.ts';

/** Times at which the history is looked at: enough to lose little of it. */
const POINTS = 400;

/**
 * The first time in the span at which a service has a feature, to a 400th of the span; undefined if none has any.
 *
 * @param matchers label matchers of the features, empty for none
 * @throws PrometheusError
 */
export async function firstValue(
  client: PrometheusClient,
  matchers: string,
  { fromMs, toMs }: TimeSpan,
  signal: AbortSignal,
): Promise<number | undefined> {
  const stepMs = Math.max(1000, Math.ceil((toMs - fromMs) / POINTS));
  const { series } = await client.queryRange(`count(${selectorOf(SERVICE_SERIES, matchers)})`, fromMs, toMs, stepMs, {
    signal,
  });
  return series[0]?.timestamps[0];
}
