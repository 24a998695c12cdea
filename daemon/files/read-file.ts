import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** A file cannot be read, or is too large. The message names it and says why. */
export class FileError extends Error {
  override readonly name = 'FileError';
  /** The operating system's, such as ENOENT, or TOO_LARGE. */
  readonly code: string;

  constructor(path: string, error: unknown) {
    const { code = 'EIO' } = error as { readonly code?: string };
    super(`${path}: ${PROBLEMS[code] ?? `not readable (${code})`}`);
    this.code = code;
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'is a directory',
  ELOOP: 'not readable, because its symbolic links are a loop',
  EACCES: 'not readable, because its permissions forbid it',
  EMFILE: 'not readable, because this process has as many files open as it may (ulimit -n)',
  ENFILE: 'not readable, because the system has as many files open as it may',
  IRREGULAR: 'not a regular file',
  TOO_LARGE: 'larger than it may be',
};

const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a file of at most `maxBytes`. Also what isn't a regular file, such as a shell's `<(command)`, and no more of it.
 *
 * @throws FileError
 */
export function readFileBounded(path: string, maxBytes: number): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      return readBounded(file, maxBytes);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new FileError(path, error);
  }
}

/** More than a program keeps of a large fleet in one file, and less than a string may have. */
const MAX_STATE_BYTES = 256 * 2 ** 20;

/**
 * Reads a file that this program wrote itself, and never waits for what somebody put in its place.
 *
 * @returns undefined if there is no such file
 * @throws FileError
 */
export function readStateFile(path: string): Buffer | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) throw failure(stats.isDirectory() ? 'EISDIR' : 'IRREGULAR');
      if (stats.size > MAX_STATE_BYTES) throw failure('TOO_LARGE');
      return readBounded(file, MAX_STATE_BYTES);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new FileError(path, error);
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function readBounded(file: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; ;) {
    const chunk = Buffer.allocUnsafe(Math.min(Math.max(CHUNK_BYTES, total), maxBytes - total + 1));
    const read = readSync(file, chunk);
    if (read === 0) return Buffer.concat(chunks, total);
    total += read;
    if (total > maxBytes) throw failure('TOO_LARGE');
    chunks.push(chunk.subarray(0, read));
  }
}
