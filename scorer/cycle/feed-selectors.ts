import { EDGE_SERIES, ENDPOINT_SERIES, POD_SERIES, SERVICE_SERIES, VERSION_SERIES } from '../features/features.ts';
import type { RangeSeries } from '../prometheus/client.ts';
import { selectorOf, selectorOfAll } from '../prometheus/selector.ts';

/** Label matchers for features, and for the series that scorers write. */
export interface FeedMatchers {
  readonly features: string;
  readonly own: string;
}

export const NO_MATCHERS: FeedMatchers = { features: '', own: '' };

/** The series of other shards are fetched with the edges, which saves a third query if one selector selects both. */
export function withShards(ofShards: readonly string[], matchers: FeedMatchers): string[] {
  if (matchers.features === matchers.own) return [selectorOfAll([EDGE_SERIES, ...ofShards], matchers.own)];
  return [selectorOf(EDGE_SERIES, matchers.features), selectorOfAll(ofShards, matchers.own)];
}

/** Identifies the rule that a series of a feature comes from: each place has its own. @param places labels of them */
export function ruleOf(labels: RangeSeries['labels'], places: readonly string[]): string {
  const { __name__: name, feature, channel } = labels;
  const rule = `${name ?? ''} ${feature ?? ''} ${channel ?? ''}`;
  return places.length === 0 ? rule : JSON.stringify([rule, ...places.map((label) => labels[label] ?? '')]);
}

/** PromQL for the time of the newest evaluation of each rule of services, as `ruleOf` tells them apart. */
export function newestEvaluations(places: readonly string[], matchers: string): string {
  const by = ['feature', 'channel', ...places].join(', ');
  return `max by (${by}) (timestamp(${selectorOf(SERVICE_SERIES, matchers)}))`;
}

/** The series of pods and endpoints that the configured detectors read. */
export function instanceSeries(detectors: { reads(kind: 'pod' | 'endpoint'): boolean }): string[] {
  return [
    ...(detectors.reads('pod') ? [POD_SERIES, VERSION_SERIES] : []),
    ...(detectors.reads('endpoint') ? [ENDPOINT_SERIES] : []),
  ];
}
