import { z } from 'zod';
import type { FileContent } from '../../../daemon/files/atomic-write.ts';
import { readSavedJson } from '../../scoring/saved-json.ts';
import type { ScorerConfig } from '../../config.ts';
import { modelPaths } from '../../paths.ts';

const timesSchema = z.record(z.string(), z.strictObject({ first_ms: z.number(), last_ms: z.number() }));

/** When each detector learned first and last, milliseconds since the epoch. */
export type DetectorTimes = z.output<typeof timesSchema>;

/** A file that is missing or damaged is an empty one: everything is due again. */
export function readDetectorTimes(config: ScorerConfig): DetectorTimes {
  const saved = readTimes(config);
  return saved !== undefined && 'document' in saved ? saved.document : {};
}

/** Why the file is unusable; undefined if it isn't, or doesn't exist. */
export function detectorTimesProblem(config: ScorerConfig): string | undefined {
  const saved = readTimes(config);
  return saved !== undefined && 'unusable' in saved ? saved.unusable : undefined;
}

function readTimes(config: ScorerConfig) {
  return readSavedJson(modelPaths(config).detectors, timesSchema, 'not the times of detectors');
}

/** The file with a detector that has learned at `nowMs`. */
export function detectorTimesFile(config: ScorerConfig, name: string, nowMs: number): FileContent {
  const times = readDetectorTimes(config);
  const { first_ms: firstMs = nowMs } = times[name] ?? {};
  const content = JSON.stringify({ ...times, [name]: { first_ms: firstMs, last_ms: nowMs } });
  return { path: modelPaths(config).detectors, content };
}

/**
 * True if a detector is due to learn at `nowMs`: it never has, or as long ago as it had been learning by then, at most
 * `learning.every`. So a new installation's detectors learn after 15 minutes, 30 minutes, one hour, and so on.
 */
export function isDetectorDue(times: DetectorTimes, name: string, nowMs: number, { learning }: ScorerConfig): boolean {
  const own = times[name];
  if (own === undefined) return true;
  const known = own.last_ms - own.first_ms + learning.minimum;
  return nowMs - own.last_ms >= Math.min(known, learning.every);
}
