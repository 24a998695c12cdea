import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { renderFile } from '../secrets/redact.ts';

const TOO_LARGE = 'TOO_LARGE';

/** A file cannot be read, or is too large. The message names it and says why. */
export class FileError extends Error {
  override readonly name = 'FileError';
  /** The operating system's, such as ENOENT, or TOO_LARGE. */
  readonly code: string;
  /** The message without the name. */
  readonly problem: string;

  constructor(path: string, error: unknown) {
    const { code = 'EIO', message } = error as { readonly code?: string; readonly message: string };
    const problem = code === TOO_LARGE ? message : (PROBLEMS[code] ?? `not readable (${code})`);
    super(`${renderFile(path)}: ${problem}`);
    this.code = code;
    this.problem = problem;
  }
}

/**
 * This process or the system has as much open as it may. Says nothing about the file, which must not be replaced: the
 * message names it and says why it cannot be read.
 */
export class LimitError extends Error {
  readonly code = 'LIMIT';
  override readonly name = 'LimitError';
}

const LIMITS = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'is a directory',
  ELOOP: 'not readable, because its symbolic links are a loop',
  EACCES: 'not readable, because its permissions forbid it',
  EMFILE: 'not readable, because this process has as many files open as it may (ulimit -n)',
  ENFILE: 'not readable, because the system has as many files open as it may',
  IRREGULAR: 'not a regular file',
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
 * @throws FileError if what is there is of no use, LimitError
 */
export function readStateFile(path: string): Buffer | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) throw failure(stats.isDirectory() ? 'EISDIR' : 'IRREGULAR');
      if (stats.size > MAX_STATE_BYTES) throw tooLarge(`${stats.size} bytes, more than ${MAX_STATE_BYTES}`);
      return readBounded(file, MAX_STATE_BYTES);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    const problem = new FileError(path, error);
    throw LIMITS.has(code) ? new LimitError(problem.message) : problem;
  }
}

function failure(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

function tooLarge(message: string): Error {
  return failure(TOO_LARGE, message);
}

function readBounded(file: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; ;) {
    const chunk = Buffer.allocUnsafe(Math.min(Math.max(CHUNK_BYTES, total), maxBytes - total + 1));
    const read = readSync(file, chunk);
    if (read === 0) return Buffer.concat(chunks, total);
    total += read;
    if (total > maxBytes) throw tooLarge(`more than ${maxBytes} bytes`);
    chunks.push(chunk.subarray(0, read));
  }
}
