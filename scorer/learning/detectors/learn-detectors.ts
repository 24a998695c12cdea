import { writeAtomically } from '../../../daemon/files/atomic-write.ts';
import type { ScorerConfig } from '../../config.ts';
import { configuredDetectors } from '../../detectors/all.ts';
import { NothingToLearnError } from '../../detectors/error.ts';
import type { PastSpan } from '../../fleet/past.ts';
import { modelPaths } from '../../paths.ts';
import { detectorTimesFile, isDetectorDue, readDetectorTimes } from './detector-times.ts';
import { detectorPast, type DetectorPastSource } from './detector-past.ts';
import { arePatternsDue, learnPatterns } from './pattern-file.ts';
import type { OnProgress } from '../progress.ts';

export interface DetectorFleet extends DetectorPastSource {
  readonly config: DetectorPastSource['config'] & ScorerConfig;
}

/** What became of one detector. */
export interface DetectorOutcome {
  readonly detector: string;
  /** Why it couldn't learn yet; undefined if it has learned. */
  readonly reason: string | undefined;
}

/** Names of the configured detectors that are due to learn. */
export function detectorsDue(config: ScorerConfig, nowMs: number): string[] {
  const names = configuredDetectors(config.detectors).map(({ descriptor }) => descriptor.name);
  // Asked each cycle: without detectors, no file is looked for.
  const times = names.length === 0 ? {} : readDetectorTimes(config);
  return names
    .filter((name) => isDetectorDue(times, name, nowMs, config))
    .concat(arePatternsDue(config) ? ['pattern'] : []);
}

/**
 * Learns each configured detector that is due, or all, and saves what it learned. One that has nothing to learn from yet
 * doesn't keep the others from it.
 *
 * @throws PrometheusError, TrainingError
 */
export async function learnDetectors(
  fleet: DetectorFleet,
  span: PastSpan,
  { all = false, seed = 1 }: { readonly all?: boolean; readonly seed?: number | undefined } = {},
  onProgress?: OnProgress,
): Promise<DetectorOutcome[]> {
  const { config, set } = fleet;
  const due = new Set(detectorsDue(config, Date.now()));
  const outcomes: DetectorOutcome[] = [];
  for (const { descriptor, settings } of configuredDetectors(config.detectors)) {
    const { name } = descriptor;
    if (!all && !due.has(name)) continue;
    const past = await detectorPast(fleet, span, name, descriptor.reads(settings, set), {
      seed,
      onProgress: (phase, share, detail) => onProgress?.({ phase, share, detail }),
    });
    try {
      const content = await descriptor.learn(past, settings);
      await writeAtomically([
        { path: modelPaths(config).detector(name), content },
        detectorTimesFile(config, name, Date.now()),
      ]);
      outcomes.push({ detector: name, reason: undefined });
    } catch (error) {
      if (!(error instanceof NothingToLearnError)) throw error;
      outcomes.push({ detector: name, reason: error.message });
    }
  }
  const patterns = await learnPatterns(config, seed, fleet.signal, onProgress);
  if (patterns !== undefined) {
    await writeAtomically([patterns]);
    outcomes.push({ detector: 'pattern', reason: undefined });
  }
  return outcomes;
}
