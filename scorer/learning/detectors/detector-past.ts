import type { ScorerConfig } from '../../config.ts';
import type { DetectorPast, FeatureNames } from '../../detectors/detector.ts';
import { ENDPOINT_SERIES, EDGE_SERIES, POD_SERIES, SERVICE_SERIES } from '../../features/features.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import {
  fetchSelected,
  listServices,
  type PastSelectors,
  type PastSource,
  type PastSpan,
  selectors,
} from '../../fleet/past.ts';
import { modelPaths } from '../../paths.ts';
import { WARM_UP_STEPS } from '../history/clean.ts';
import { fetchUnusualTime, leaveOut, type UnusualTime } from '../history/unusual-time.ts';
import { createTraceSample } from './trace-sample.ts';

/** Where a detector's history is fetched from. */
export interface DetectorPastSource extends PastSource {
  readonly config: PastSource['config'] & ScorerConfig;
}

/** Values that one group holds at most: some 100 MB. */
const MAX_VALUES_PER_GROUP = 5_000_000;
/** Assumed number of subjects per service, to size groups. */
const SUBJECTS_PER_SERVICE = { service: 1, edge: 5, pod: 10, endpoint: 10 } as const;

/**
 * The clean history that a detector learns from: without the time in which it was anomalous itself, or in maintenance.
 *
 * @param reads the features that it reads
 * @throws PrometheusError
 */
export async function detectorPast(
  source: DetectorPastSource,
  span: PastSpan,
  detector: string,
  reads: FeatureNames,
  options: Pick<DetectorPast, 'seed' | 'onProgress'>,
): Promise<DetectorPast> {
  const { config, set, signal } = source;
  const { interval, learning } = config;
  const services = await listServices(source, span);
  const unusual = await fetchUnusualTime(source, span, detector);
  const steps = Math.ceil((span.toMs - span.fromMs) / interval);
  const fetch = async (keys: readonly string[]): Promise<Fleet> => {
    const fleet = await fetchSelected(source, span, selectorsOf(reads, keys, config.prometheus.matchers));
    leaveOut(unusual, fleet);
    return fleet;
  };
  return {
    set,
    from: Math.ceil(span.fromMs / interval),
    to: Math.floor(span.toMs / interval),
    // A new service is ready by its first value of any feature; the rates among them start while their windows fill.
    minSteps: Math.max(1, Math.ceil(learning.minimum / interval) - WARM_UP_STEPS),
    services,
    async *groups(keys = services) {
      const size = groupSize(reads, steps);
      for (let start = 0; start < keys.length; start += size) {
        signal?.throwIfAborted();
        yield await fetch(keys.slice(start, start + size));
      }
    },
    ...(await usualTraces(config, span, unusual)),
    ...options,
    ...(signal !== undefined && { signal }),
  };
}

/** Of more time than this, what was unusual in it is how things are. */
const MAX_UNUSUAL_SHARE = 0.5;

/** The sample of traces, without those of steps in which any service was anomalous by this detector. */
async function usualTraces(
  config: DetectorPastSource['config'],
  { fromMs, toMs }: PastSpan,
  { anomalous }: UnusualTime,
): Promise<Pick<DetectorPast, 'traces'>> {
  const sample = createTraceSample(config);
  if (sample === undefined) return {};
  await sample.load(modelPaths(config).traces, toMs);
  const unusual = new Set([...anomalous.values()].flat());
  if (unusual.size > (MAX_UNUSUAL_SHARE * (toMs - fromMs)) / config.interval) return { traces: sample };
  return { traces: sample.without((atMs) => unusual.has(Math.ceil(atMs / config.interval))) };
}

function groupSize(reads: FeatureNames, steps: number): number {
  const values = Object.entries(SUBJECTS_PER_SERVICE).reduce(
    (sum, [kind, subjects]) => sum + subjects * (reads[kind as keyof typeof SUBJECTS_PER_SERVICE]?.length ?? 0) * steps,
    0,
  );
  return Math.max(1, Math.floor(MAX_VALUES_PER_GROUP / Math.max(1, values)));
}

/** Selectors of the features that are read of these services. */
function selectorsOf(reads: FeatureNames, keys: readonly string[], matchers: string): PastSelectors {
  const of = (series: string, names: readonly string[] | undefined, prefixes: readonly string[] = [''], more = '') => {
    if (names === undefined || names.length === 0) return [];
    const wanted = [`feature=~"${names.join('|')}"`, more, matchers].filter((text) => text !== '').join(',');
    return prefixes.flatMap((prefix) => selectors(series, keys, prefix, wanted));
  };
  return {
    services: of(SERVICE_SERIES, reads.service, [''], 'channel="red"'),
    edges: of(EDGE_SERIES, reads.edge, ['client_', 'server_']),
    pods: of(POD_SERIES, reads.pod),
    endpoints: of(ENDPOINT_SERIES, reads.endpoint),
  };
}
