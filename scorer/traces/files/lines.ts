import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

const NEWLINE = 0x0a;
/** Bytes of a line: 32 times the receiver's largest request. */
const MAX_LINE = 128 * 1024 * 1024;

/** A file of spans cannot be read; the message names it. */
export class TraceFileError extends Error {
  readonly code = 'TRACE_FILE';
  override readonly name = 'TraceFileError';
}

/**
 * The lines of a file without empty ones; a name that ends with .gz is decompressed. One line at a time is in memory.
 */
export async function* readLines(path: string): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of open(path)) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        const line = Buffer.concat([...rest, chunk.subarray(start, end)]);
        [rest, length, start] = [[], 0, end + 1];
        if (line.length > 0) yield line;
      }
      rest.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > MAX_LINE) throw new TraceFileError(`${path}: expected lines of at most ${MAX_LINE} bytes`);
    }
  } catch (error) {
    if (error instanceof TraceFileError) throw error;
    throw new TraceFileError(`${path}: not readable`, { cause: error });
  }
  if (length > 0) yield Buffer.concat(rest);
}

function open(path: string): AsyncIterable<Buffer> {
  const file = createReadStream(path);
  // The pipeline passes an error of the file on to the unpacked stream, whose reader gets it.
  return path.endsWith('.gz') ? pipeline(file, createGunzip(), () => undefined) : file;
}
