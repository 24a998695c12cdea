import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { ConfigError, durationSchema, readConfigFile } from '../../daemon/config-file.ts';
import { type FaultLabel, faultsOf } from '../../scorer/backtest/labels.ts';
import type { Fault } from '../../scorer/backtest/labels.ts';
import { type FeatureSet, readFeatures } from '../../scorer/features/features.ts';
import { type ServiceName, serviceKey } from '../../scorer/identity/service-key.ts';

/** docs/evaluation/recordings.md describes the format. */
export interface Recording {
  readonly set: FeatureSet;
  readonly intervalMs: number;
  /** Lags of the tensor, intervals. */
  readonly steps: readonly number[];
  /** In chronological order. */
  readonly faults: readonly RecordedFault[];
}

export interface RecordedFault extends Fault {
  /** The service that alarmed and led to the fault, as a key; undefined if unknown. */
  readonly alarmed?: string | undefined;
}

const MINUTE_MS = 60_000;

const settingsSchema = z.strictObject({
  interval: durationSchema.default(MINUTE_MS),
  steps: z.array(z.int().nonnegative()).min(2).default([0, 1, 2, 3, 4]),
  source: z.string().optional(),
});

const ownerSchema = z.object({ namespace: z.string(), service: z.string() });
const faultSchema = ownerSchema.extend({
  start: z.string(),
  end: z.string().optional(),
  pod: z.string().optional(),
  type: z.string(),
  alarm: ownerSchema.extend({ metric: z.string(), time: z.string().optional() }).optional(),
});

/** A fault in `faults.json`. */
export type FaultEntry = z.input<typeof faultSchema>;

const EDGES_FILE = /^edges\.om(\.gz)?$/;
const METRICS_FILE = /\.om(\.gz)?$/;

/** Paths in the folder of a recording. */
export function recordingPaths(folder: string) {
  return {
    settings: join(folder, 'recording.yaml'),
    features: join(folder, 'features.yaml'),
    faults: join(folder, 'faults.json'),
    services: join(folder, 'services.om.gz'),
    edges: join(folder, 'edges.om.gz'),
  };
}

/**
 * @param features path of a features file in place of the recording's own
 * @throws ConfigError naming file, path and expectation
 */
export function readRecording(folder: string, features?: string): Recording {
  const paths = recordingPaths(folder);
  const { interval, steps } = existsSync(paths.settings)
    ? readConfigFile(paths.settings, settingsSchema)
    : settingsSchema.parse({});
  const set = readFeatures(features ?? paths.features);
  return { set, intervalMs: interval, steps, faults: readFaults(paths.faults) };
}

function readFaults(path: string): RecordedFault[] {
  const entries = readConfigFile(path, z.array(faultSchema));
  const labels = entries.map(({ start, end, namespace, service, type }): FaultLabel => {
    return { start, ...(end !== undefined && { end }), namespace, service, type };
  });
  const alarmed = new Map(entries.map(({ alarm, ...fault }) => [nameOf(fault), alarm && serviceKey(ownerOf(alarm))]));
  return faultsOf(labels).map((fault) => ({ ...fault, alarmed: alarmed.get(`${fault.startMs} ${fault.key}`) }));
}

function nameOf({ start, ...owner }: Pick<FaultEntry, 'start' | 'namespace' | 'service'>): string {
  return `${Date.parse(start)} ${serviceKey(ownerOf(owner))}`;
}

function ownerOf({ namespace, service }: z.input<typeof ownerSchema>): ServiceName {
  return { namespace, service };
}

/**
 * The lines of all OpenMetrics files of a recording as one text.
 *
 * @param withoutEdges leaves out the figures of calls and the call graph
 * @throws ConfigError without files
 */
export async function* recordedMetrics(folder: string, withoutEdges = false): AsyncGenerator<string> {
  const files = readdirSync(folder).filter((name) => METRICS_FILE.test(name));
  if (files.length === 0) throw new ConfigError(`${folder}: expected files named *.om or *.om.gz`);
  for (const name of files.sort()) {
    if (withoutEdges && EDGES_FILE.test(name)) continue;
    const file = createReadStream(join(folder, name));
    const text = name.endsWith('.gz') ? file.pipe(createGunzip()) : file;
    for await (const line of createInterface({ input: text, crlfDelay: Infinity })) {
      if (line !== '' && line !== '# EOF') yield `${line}\n`;
    }
  }
  yield '# EOF\n';
}
