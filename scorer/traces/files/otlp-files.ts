import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Rejection } from '../otlp/error.ts';
import { readJsonRequest } from '../otlp/json-request.ts';
import { SpanReader } from '../otlp/span-reader.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { readLines, TraceFileError } from './lines.ts';

const FILE = /\.jsonl?(\.gz)?$/;

export interface OtlpFilesOptions {
  /** The namespace of spans whose resource has none. */
  readonly defaultNamespace: string;
  readonly onRejected?: (rejection: Rejection) => void;
}

/**
 * The spans of OTLP JSON lines, as the Collector's file exporter writes them: an ExportTraceServiceRequest a line.
 * `path` is a file, or a directory whose files `*.json` and `*.jsonl`, plain or gzipped, are read in the order of their
 * names.
 *
 * @throws TraceFileError naming file and line
 */
export async function* readOtlpFiles(
  path: string,
  { defaultNamespace, onRejected }: OtlpFilesOptions,
): AsyncGenerator<ReceivedSpan, void, undefined> {
  const reader = new SpanReader(defaultNamespace);
  for (const file of filesOf(path)) {
    let number = 0;
    for await (const line of readLines(file)) {
      number++;
      for (const span of parseLine(line, reader, `${file}:${number}`)) {
        if (span instanceof Rejection) onRejected?.(span);
        else yield span;
      }
    }
  }
}

function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
  } catch (error) {
    throw new TraceFileError(`${path}: no such file`, { cause: error });
  }
  const names = readdirSync(path).filter((name) => FILE.test(name));
  if (names.length === 0) throw new TraceFileError(`${path}: expected files named *.json or *.jsonl`);
  return names.sort().map((name) => join(path, name));
}

function parseLine(line: Buffer, reader: SpanReader, at: string) {
  try {
    return readJsonRequest(line, reader);
  } catch (error) {
    throw new TraceFileError(`${at}: expected a line of OTLP JSON`, { cause: error });
  }
}
