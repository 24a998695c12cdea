import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readConfigFile } from '../../daemon/config-file.ts';
import { UsageError } from '../../daemon/flags.ts';
import { RUNTIMES } from '../../microsim/protocol/runtime.ts';
import type { AppliedLoad } from './load-plan.ts';
import type { PressureSample } from './pressure.ts';

const recordingSchema = z.strictObject({
  /** Seed of load, routes, service times and faults. */
  seed: z.number(),
  runtime: z.enum(RUNTIMES),
  /** RFC 3339; the time before `faultsFrom` is free of faults. */
  from: z.iso.datetime(),
  faultsFrom: z.iso.datetime(),
  to: z.iso.datetime(),
});

/** Parameters of a recorded history: `recording.json` in its folder. */
export type Recording = z.output<typeof recordingSchema>;

/** Paths in the folder of a recorded history. */
export function recordingPaths(folder: string) {
  return {
    recording: join(folder, 'recording.json'),
    labels: join(folder, 'labels.json'),
    load: join(folder, 'load.json'),
    pressure: join(folder, 'pressure.json'),
    features: join(folder, 'features.yaml'),
    scorer: join(folder, 'scorer.yaml'),
    prometheus: join(folder, 'prometheus'),
  };
}

export function writeRecording(folder: string, recording: Recording): void {
  writeFileSync(recordingPaths(folder).recording, `${JSON.stringify(recording, null, 2)}\n`);
}

export function isRecording(folder: string): boolean {
  return existsSync(recordingPaths(folder).recording);
}

/** @throws UsageError if the folder has no complete recording, ConfigError if it is damaged. */
export function readRecording(folder: string): Recording {
  const path = recordingPaths(folder).recording;
  if (!isRecording(folder)) throw new UsageError(`${folder}: no recording, or an interrupted one`);
  return readConfigFile(path, recordingSchema);
}

/** Load and CPU pressure during a recording. */
export interface Surroundings {
  readonly load: readonly AppliedLoad[];
  readonly pressure: readonly PressureSample[];
}

export function readSurroundings(folder: string): Surroundings {
  const { load, pressure } = recordingPaths(folder);
  return { load: read<AppliedLoad>(load), pressure: read<PressureSample>(pressure) };
}

function read<T>(path: string): T[] {
  return JSON.parse(readFileSync(path, 'utf8')) as T[];
}
