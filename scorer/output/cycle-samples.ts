import type { Announcements } from '../announced/watch.ts';
import type { ShardRanking } from '../scoring/ranking/shard-ranking.ts';
import type { FleetScores } from '../scoring/score-fleet.ts';
import { type DetectorFindings, detectorSamples } from './detector-samples.ts';
import type { Sample } from './remote-write/sample.ts';
import { type SampleTimes, scoreSamples } from './samples.ts';

/** Converts all that a cycle found to samples. @param shards with shards only: the ranking of their candidates */
export function cycleSamples(
  { fleet: result, ...findings }: DetectorFindings & { readonly fleet: FleetScores },
  times: SampleTimes,
  announced: Announcements,
  shards: ShardRanking | undefined,
): Sample[] {
  const causes = shards?.rank(result, times.timestampMs) ?? result.causes;
  return [
    ...scoreSamples({ ...result, causes }, times, announced),
    ...detectorSamples(findings, times),
    ...(shards?.samples(result, times.timestampMs) ?? []),
  ];
}
