import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readConfigFile } from '../../daemon/config-file.ts';
import { UsageError } from '../../daemon/flags.ts';
import { FAULT_TYPES } from '../../microsim/protocol/fault.ts';
import { DESIGNS, SCENARIOS } from './scenarios.ts';

const faultSchema = z.strictObject({
  scenario: z.enum(Object.keys(SCENARIOS) as [keyof typeof SCENARIOS]),
  service: z.string(),
  type: z.enum(FAULT_TYPES),
  args: z.record(z.string(), z.union([z.number(), z.string()])),
  durationMs: z.number(),
  /** Milliseconds since the epoch; `toMs` is when the fault is undone completely. */
  fromMs: z.number(),
  toMs: z.number(),
});

/** A fault that was injected. */
export type RecordedFault = z.output<typeof faultSchema>;

const recordingSchema = z.strictObject({
  seed: z.number(),
  scale: z.number(),
  design: z.enum(DESIGNS),
  /** Milliseconds after a fault before the next one. */
  recoveryMs: z.number(),
  /** Milliseconds since the epoch. Without faults: training until `normalFromMs`, then the test of normal operation. */
  fromMs: z.number(),
  normalFromMs: z.number(),
  faultsFromMs: z.number(),
  toMs: z.number(),
  faults: z.array(faultSchema),
  machine: z.string(),
});

/** What was recorded: `recording.json` in its folder. */
export type DetectorRecording = z.output<typeof recordingSchema>;

/** Paths in the folder of a recording. */
export function recordingPaths(folder: string) {
  return {
    recording: join(folder, 'recording.json'),
    spans: join(folder, 'spans.jsonl'),
    features: join(folder, 'features.yaml'),
    rules: join(folder, 'features.rules.yaml'),
    prometheusConfig: join(folder, 'prometheus.yml'),
    prometheus: join(folder, 'prometheus'),
  };
}

export function writeRecording(folder: string, recording: DetectorRecording): void {
  writeFileSync(recordingPaths(folder).recording, `${JSON.stringify(recording, null, 2)}\n`);
}

/** @throws UsageError if the folder has no complete recording, ConfigError if it is damaged. */
export function readRecording(folder: string): DetectorRecording {
  const path = recordingPaths(folder).recording;
  if (!existsSync(path)) throw new UsageError(`${folder}: no recording, or an interrupted one`);
  return readConfigFile(path, recordingSchema);
}

/** The text of the features that were recorded. */
export function readRecordedFeatures(folder: string): string {
  return readFileSync(recordingPaths(folder).features, 'utf8');
}
