const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const encoder = new TextEncoder();

/**
 * Writes the protobuf wire format into one growing buffer. Fields are written in the order of the calls, default values
 * included. Integers beyond 2^53 must be bigints. Wire format: https://protobuf.dev/programming-guides/encoding/
 *
 * @example new ProtobufWriter().string(1, 'up').message(2, (w) => w.double(1, 0.5).varint(2, 1700000000000)).finish()
 */
export class ProtobufWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(initialCapacity = 1024) {
    this.#buffer = new Uint8Array(Math.max(16, initialCapacity));
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** int32, int64, uint32, uint64, bool or enum; a negative value takes ten bytes, as the format requires. */
  varint(field: number, value: number | bigint): this {
    this.#tag(field, VARINT);
    this.#varint(value);
    return this;
  }

  /** sint32 or sint64. */
  zigzag(field: number, value: number): this {
    this.#tag(field, VARINT);
    this.#varint(zigzag(value));
    return this;
  }

  /** fixed64 or, in two's complement, sfixed64. */
  fixed64(field: number, value: bigint): this {
    this.#tag(field, FIXED64);
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  /** fixed32 or, in two's complement, sfixed32. */
  fixed32(field: number, value: number): this {
    this.#tag(field, FIXED32);
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** Preserves the sign of zero and infinities, but not the payload of a NaN: write stale markers with `fixed64`. */
  double(field: number, value: number): this {
    this.#tag(field, FIXED64);
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  float(field: number, value: number): this {
    this.#tag(field, FIXED32);
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  string(field: number, value: string): this {
    this.#tag(field, LENGTH_DELIMITED);
    // A UTF-16 unit takes at most three bytes in UTF-8.
    this.#reserve(5 + value.length * 3);
    const start = this.#length++;
    const { written } = encoder.encodeInto(value, this.#buffer.subarray(this.#length));
    this.#length += written;
    this.#closeLength(start);
    return this;
  }

  /** UTF-8 bytes as the characters of a latin1 string, from `start` to `end`. */
  latin1(field: number, value: string, start = 0, end = value.length): this {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(end - start);
    this.#reserve(end - start);
    for (let index = start; index < end; index++) this.#buffer[this.#length++] = value.charCodeAt(index);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(value.length);
    this.#raw(value);
    return this;
  }

  /** A nested message, written in place; `write` receives this writer. */
  message(field: number, write: (writer: this) => void): this {
    this.#tag(field, LENGTH_DELIMITED);
    return this.#delimited(() => write(this));
  }

  /** Starts a nested message, or without a field number a message preceded by its length; returns what `close` needs. */
  open(field?: number): number {
    if (field !== undefined) this.#tag(field, LENGTH_DELIMITED);
    this.#reserve(1);
    return this.#length++;
  }

  /** Ends the message that `open` started. */
  close(start: number): void {
    this.#closeLength(start);
  }

  packedVarints(field: number, values: Iterable<number | bigint>): this {
    this.#tag(field, LENGTH_DELIMITED);
    return this.#delimited(() => {
      for (const value of values) this.#varint(value);
    });
  }

  packedZigzags(field: number, values: Iterable<number>): this {
    this.#tag(field, LENGTH_DELIMITED);
    return this.#delimited(() => {
      for (const value of values) this.#varint(zigzag(value));
    });
  }

  packedDoubles(field: number, values: ArrayLike<number>): this {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(values.length * 8);
    this.#reserve(values.length * 8);
    for (let i = 0; i < values.length; i++, this.#length += 8) this.#view.setFloat64(this.#length, values[i]!, true);
    return this;
  }

  packedFloats(field: number, values: ArrayLike<number>): this {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(values.length * 4);
    this.#reserve(values.length * 4);
    for (let i = 0; i < values.length; i++, this.#length += 4) this.#view.setFloat32(this.#length, values[i]!, true);
    return this;
  }

  /** A view of the bytes written so far, valid until the next write or `reset`. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Discards what was written after `length` bytes but keeps the buffer, for the next message of similar size. */
  reset(length = 0): this {
    this.#length = length;
    return this;
  }

  #delimited(write: () => void): this {
    const start = this.open();
    write();
    this.#closeLength(start);
    return this;
  }

  /** Writes the length at `start`, where one byte is reserved; moves the content if the length needs more. */
  #closeLength(start: number): void {
    const size = this.#length - start - 1;
    if (size < 0x80) {
      this.#buffer[start] = size;
      return;
    }
    let width = 2;
    for (let rest = Math.floor(size / 0x4000); rest > 0; rest = Math.floor(rest / 0x80)) width++;
    this.#reserve(width - 1);
    this.#buffer.copyWithin(start + width, start + 1, this.#length);
    this.#length = start;
    this.#varint(size);
    this.#length += size;
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === 'bigint' || value < 0) {
      this.#varint64(BigInt.asUintN(64, BigInt(value)));
      return;
    }
    let rest = value;
    // Division, because a shift would truncate a timestamp in milliseconds to 32 bits.
    while (rest >= 0x8000_0000) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  #varint64(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  #raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Small numbers of either sign as small numbers. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}
