import { writeSync } from 'node:fs';

/** Standard output cannot take a command's result. */
export class OutputError extends Error {
  readonly code = 'OUTPUT';
  override readonly name = 'OutputError';
  /** True if the reader has exited, as `head` does once it has enough. */
  readonly readerLeft: boolean;

  constructor(cause: NodeJS.ErrnoException) {
    super('cannot write to standard output', { cause });
    this.readerLeft = cause.code === 'EPIPE';
  }
}

const STANDARD_OUTPUT = 1;
const RETRY_MS = 10;

/**
 * Writes a command's result to standard output, all of it.
 *
 * @throws OutputError: `process.stdout` would end the program with a stack trace instead.
 */
export function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;) written += writeSome(bytes, written);
}

function writeSome(bytes: Buffer, start: number): number {
  try {
    return writeSync(STANDARD_OUTPUT, bytes, start);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw new OutputError(error as NodeJS.ErrnoException);
    // Another process made the stream non-blocking: wait for the reader.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    return 0;
  }
}
