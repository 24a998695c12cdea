import { formatDuration } from '../../daemon/config-file.ts';
import type { Feature, FeatureSet } from '../features/features.ts';
import { median } from '../numeric/statistics.ts';
import type { PrometheusClient } from '../prometheus/client.ts';

/** Range selectors over `$window`: a metric's name, its matchers with quoted values, or both. */
const SELECTOR = /([a-zA-Z_:][a-zA-Z0-9_:]*)?(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})?\[\$window\]/g;
/** Functions of a range that need two samples in it; others need one. */
const NEEDS_TWO = /\b(?:rate|irate|increase|delta|idelta|deriv|resets|changes)\s*\($/;
/** Time to look back for samples: long enough for two at any usual scrape interval. */
const LOOKBACK_MS = 600_000;

/** Scrapes are a little early or late. */
const PRECISION_MS = 100;

/** What a feature reads over its windows. */
export interface WindowSelector {
  /** A vector selector such as `lorikeet_requests_total{role="server"}`. */
  readonly selector: string;
  /** Samples that a window must have for the feature to have a value. */
  readonly minSamples: number;
}

/** The selectors that a feature's expression reads over `$window`, each once. */
export function windowSelectors({ expr }: Pick<Feature, 'expr'>): WindowSelector[] {
  const found = new Map<string, WindowSelector>();
  for (const { 1: name = '', 2: matchers = '', index } of expr.matchAll(SELECTOR)) {
    const selector = name + matchers;
    if (selector === '') continue;
    const minSamples = NEEDS_TWO.test(expr.slice(0, index)) ? 2 : 1;
    found.set(selector, { selector, minSamples: Math.max(minSamples, found.get(selector)?.minSamples ?? 0) });
  }
  return [...found.values()];
}

/** Suffixes of the series of one metric family, which are scraped together. */
const SUFFIX = /_(?:bucket|sum|count|total)$/;

/**
 * Scrape intervals of all that a features file reads over its windows, by selector, milliseconds. It asks for one series
 * of each metric family; a family without series, or with too few samples yet, is left out.
 *
 * @throws PrometheusError
 */
export async function sampleIntervals(
  client: PrometheusClient,
  set: FeatureSet,
  nowMs: number,
): Promise<Map<string, number>> {
  const features: readonly Feature[] = [...set.features, ...set.edges, ...set.pods, ...set.endpoints];
  const families = new Map<string, string[]>();
  for (const { selector } of features.flatMap(windowSelectors)) {
    const family = selector.replace(/\{.*$/, '').replace(SUFFIX, '');
    families.set(family, [...(families.get(family) ?? []), selector]);
  }
  const intervals = new Map<string, number>();
  for (const selectors of families.values()) {
    // A histogram has more buckets than counts.
    const asked = selectors.find((selector) => !/_bucket(?:\{|$)/.test(selector)) ?? selectors[0]!;
    const interval = await sampleIntervalMs(client, asked, nowMs);
    if (interval !== undefined) for (const selector of selectors) intervals.set(selector, interval);
  }
  return intervals;
}

/**
 * Time between two samples of one of the selector's series, which is its scrape interval: two small queries.
 *
 * @returns undefined if there is no series, or it has fewer than two samples yet
 * @throws PrometheusError
 */
export async function sampleIntervalMs(
  client: PrometheusClient,
  selector: string,
  nowMs: number,
): Promise<number | undefined> {
  const { series } = await client.query(`topk(1, ${selector})`, nowMs);
  const labels = series[0]?.labels;
  if (labels === undefined) return undefined;
  const matchers = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const { series: found } = await client.samples(`{${matchers.join(',')}}`, nowMs - LOOKBACK_MS, nowMs);
  const times = found[0]?.timestamps ?? new Float64Array();
  const gaps = Array.from(times.subarray(1), (time, index) => time - (times[index] ?? NaN));
  return gaps.length === 0 ? undefined : Math.round(median(gaps) / PRECISION_MS) * PRECISION_MS;
}

/** A window that is too short for what some features read. */
export interface EmptyWindow {
  readonly windowMs: number;
  /** Names of the features of services. */
  readonly features: readonly string[];
  /** True if features of edges, pods or endpoints are without values too. */
  readonly others: boolean;
  /** The longest scrape interval of what they read. */
  readonly scrapeIntervalMs: number;
}

/**
 * The windows in which features have no values, or only now and then, because samples are too far apart: `rate` needs two
 * in a window.
 *
 * @param intervals scrape interval by selector, milliseconds
 */
export function emptyWindows(set: FeatureSet, intervals: ReadonlyMap<string, number>): EmptyWindow[] {
  const longest = (feature: Feature, windowMs: number) =>
    Math.max(
      0,
      ...windowSelectors(feature).map(({ selector, minSamples }) => {
        const interval = intervals.get(selector) ?? 0;
        return interval * minSamples > windowMs * (1 + TOLERANCE) ? interval : 0;
      }),
    );
  return set.windows.flatMap((windowMs, index) => {
    const empty = set.features.filter((feature) => longest(feature, windowMs) > 0);
    // Edges, pods and endpoints are looked at in the shortest window only.
    const others = index === 0 ? [...set.edges, ...set.pods, ...set.endpoints] : [];
    const emptyOthers = others.filter((feature) => longest(feature, windowMs) > 0);
    const all = [...empty, ...emptyOthers];
    if (all.length === 0) return [];
    const scrapeIntervalMs = Math.max(...all.map((feature) => longest(feature, windowMs)));
    return [{ windowMs, features: empty.map(({ name }) => name), others: emptyOthers.length > 0, scrapeIntervalMs }];
  });
}

/** A scrape is a little early or late; twice 30 s fit into a minute all the same. */
const TOLERANCE = 0.02;

/** What to do about windows that are too short, for a log line. */
export function windowAdvice(set: FeatureSet, { scrapeIntervalMs }: Pick<EmptyWindow, 'scrapeIntervalMs'>): string {
  const [shortest = 0] = set.windows;
  const fitting = set.windows.map((windowMs) =>
    formatDuration(windowMs * Math.ceil((4 * scrapeIntervalMs) / shortest)),
  );
  return (
    `scrape at least every ${formatDuration(shortest / 4)}, ` +
    `or set windows: [${fitting.join(', ')}] in a features file and render its rules`
  );
}
