import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Takes text that is not worth waiting for, such as progress. */
export interface LineSink {
  readonly isTTY?: boolean;
  /** @returns false if the text was dropped. */
  write(text: string): boolean;
}

/**
 * A stream of lines that neither ends nor delays the program. A line that the stream does not take is dropped and
 * counted: its reader has exited (EPIPE) or does not read (EAGAIN), or the disk is full (ENOSPC).
 *
 * `process.stderr` is no substitute: it emits each of these as an error, which ends the program. Node.js opens
 * /dev/null in place of a standard stream that is closed at the start, so its number is never that of a BPF map.
 */
export class LineOutput implements LineSink {
  readonly #number: number;
  #file: number | undefined;
  /** The end of a line of which the stream took only the start. */
  #rest: Buffer = Buffer.alloc(0);
  #dropped = 0;
  #unreported = 0;

  /** @param number the file descriptor */
  constructor(number: number) {
    this.#number = number;
  }

  get isTTY(): boolean {
    return isatty(this.#number);
  }

  /** Lines dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param notice renders the line that reports earlier dropped lines once the stream takes lines again */
  write(text: string, notice?: (dropped: number) => string): boolean {
    if (this.#unreported > 0 && notice !== undefined && this.#send(notice(this.#unreported))) this.#unreported = 0;
    if (this.#send(text)) return true;
    this.#dropped++;
    this.#unreported++;
    return false;
  }

  #send(text: string): boolean {
    this.#file ??= withoutWaiting(this.#number);
    try {
      this.#rest = this.#writeAll(this.#rest);
      if (this.#rest.length > 0) return false;
      // Dropped as a whole, or completed before the next line: no line is cut.
      this.#rest = this.#writeAll(Buffer.from(text));
      return true;
    } catch {
      return false;
    }
  }

  /** @returns what the stream did not take. @throws Error if it took nothing. */
  #writeAll(bytes: Buffer): Buffer {
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#file ?? this.#number, bytes, written);
    } catch (error) {
      if (written === 0) throw error;
    }
    return bytes.subarray(written);
  }
}

/**
 * The file to write to. Of a pipe: a description of its own that does not wait for the reader. The flag O_NONBLOCK of
 * the inherited one is shared with other processes. Not possible, and not needed, for files, terminals and sockets, nor
 * for a pipe of another user.
 */
function withoutWaiting(number: number): number {
  try {
    if (!fstatSync(number).isFIFO()) return number;
    return openSync(`/proc/self/fd/${number}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return number;
  }
}

/** Standard output, for progress. Results are written by `print`. */
export const standardOutput = new LineOutput(1);
export const standardError = new LineOutput(2);
