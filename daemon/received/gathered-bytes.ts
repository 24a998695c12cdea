const FIRST_BYTES = 4096;

/**
 * Bytes that arrive in chunks, in one buffer that doubles. A list of the chunks would need a hundred times their memory
 * if they have a byte each, and each keeps the whole of what the socket read.
 */
export class GatheredBytes {
  #buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_BYTES, length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** The bytes, which are valid until the next call of another method. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Removes the first bytes. */
  drop(count: number): void {
    if (count === 0) return;
    this.#buffer.copyWithin(0, count, this.#length);
    this.#length -= Math.min(count, this.#length);
  }

  /** The bytes, which are valid until the next `push`. Empties the gatherer but keeps its memory, up to `keepBytes`. */
  take(keepBytes = 65_536): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    if (this.#buffer.length > keepBytes) this.#buffer = Buffer.alloc(0);
    return taken;
  }
}
