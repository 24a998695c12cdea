import { copyFileSync, createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { dump } from 'js-yaml';
import { type FaultEntry, recordingPaths } from './recording.ts';

/** OpenMetrics text, a line or more at a time, without its end. */
export type Metrics = Iterable<string> | AsyncIterable<string>;

export interface Converted {
  /** Content of recording.yaml. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Path of features.yaml. */
  readonly features: string;
  readonly faults: readonly FaultEntry[];
  readonly services: Metrics;
  readonly edges: Metrics;
}

/** Writes the files of a recording to `folder`. */
export async function writeRecording(folder: string, converted: Converted): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const paths = recordingPaths(folder);
  writeFileSync(paths.settings, dump(converted.settings));
  copyFileSync(converted.features, paths.features);
  writeFileSync(paths.faults, `${JSON.stringify(converted.faults, null, 2)}\n`);
  await writeMetrics(paths.services, converted.services);
  await writeMetrics(paths.edges, converted.edges);
}

async function writeMetrics(path: string, metrics: Metrics): Promise<void> {
  await pipeline(Readable.from(closed(metrics)), createGzip(), createWriteStream(path));
}

async function* closed(metrics: Metrics): AsyncGenerator<string> {
  yield* metrics;
  yield '# EOF\n';
}
