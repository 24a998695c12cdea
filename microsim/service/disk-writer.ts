import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { fdatasync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PERIOD_MS = 100;
const MB = 1024 * 1024;

/** Where files go that must not lie in memory: /tmp may. */
const FOLDER = '/var/tmp';

const writeTo = promisify(write);
const sync = promisify(fdatasync);

/**
 * Writes a file and syncs it every 100 ms; after `size` MB, from its beginning again. A disk that is too slow gets less.
 * The file has no name, so that the kernel removes it with the last process that has it open, however that ends.
 */
export class DiskWriter {
  readonly #file: number;
  readonly #chunk: Buffer;
  readonly #perPeriod: number;
  readonly #size: number;
  readonly #timer: NodeJS.Timeout;
  #offset = 0;
  #busy = false;
  #stopped = false;

  /**
   * @param rate MB per second.
   * @throws a system error if `folder` is not writable.
   */
  constructor(rate: number, size: number, folder = FOLDER) {
    const path = join(folder, `lorikeet-sim-${process.pid}-${Date.now()}.tmp`);
    this.#file = openSync(path, 'wx', 0o600);
    unlinkSync(path);
    this.#size = Math.floor(size * MB);
    this.#perPeriod = Math.max(1, Math.floor((rate * MB * PERIOD_MS) / 1000));
    this.#chunk = Buffer.alloc(Math.min(this.#perPeriod, this.#size, MB), 1);
    this.#timer = setInterval(() => void this.#period(), PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopped = true;
    if (!this.#busy) closeSync(this.#file);
  }

  async #period(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let left = this.#perPeriod; left > 0 && !this.#stopped; left -= this.#chunk.length) {
        if (this.#offset + this.#chunk.length > this.#size) this.#offset = 0;
        await writeTo(this.#file, this.#chunk, 0, Math.min(left, this.#chunk.length), this.#offset);
        this.#offset += this.#chunk.length;
      }
      await sync(this.#file);
    } catch (error) {
      // A full disk ends the stress, not the service.
      report(`disk: ${(error as Error).message}\n`);
      clearInterval(this.#timer);
    }
    this.#busy = false;
    if (this.#stopped) closeSync(this.#file);
  }
}

/** The log may be on the same full disk: `process.stderr` would end the service. */
function report(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Nowhere to report it.
  }
}
