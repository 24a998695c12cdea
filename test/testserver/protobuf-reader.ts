/** An encoded field; a fixed64 is its bits. */
export type Field =
  | { readonly number: number; readonly wire: 'varint' | 'fixed64'; readonly value: bigint }
  | { readonly number: number; readonly wire: 'bytes'; readonly value: Uint8Array };

/**
 * Reads the fields of a protobuf message in their order. Independent of the encoder, based on
 * https://protobuf.dev/programming-guides/encoding/
 *
 * @throws Error for malformed input, and for wire types not used by remote write
 */
export function readFields(message: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(message, at);
    const number = Number(tag.value >> 3n);
    if (number === 0) throw new Error('protobuf: field number 0');
    const { field, next } = readValue(message, tag.next, number, Number(tag.value & 7n));
    fields.push(field);
    at = next;
  }
  return fields;
}

function readValue(message: Uint8Array, at: number, number: number, type: number): { field: Field; next: number } {
  if (type === 0) {
    const { value, next } = readVarint(message, at);
    return { field: { number, wire: 'varint', value }, next };
  }
  if (type === 1) {
    const next = at + 8;
    if (next > message.length) throw new Error('protobuf: cut off');
    const value = new DataView(message.buffer, message.byteOffset + at, 8).getBigUint64(0, true);
    return { field: { number, wire: 'fixed64', value }, next };
  }
  if (type !== 2) throw new Error(`protobuf: wire type ${type} in field ${number}`);
  const length = readVarint(message, at);
  const next = length.next + Number(length.value);
  if (next > message.length) throw new Error('protobuf: cut off');
  return { field: { number, wire: 'bytes', value: message.subarray(length.next, next) }, next };
}

/** The values of a packed repeated field. */
export function readPacked(bytes: Uint8Array): readonly number[] {
  const values: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const { value, next } = readVarint(bytes, at);
    values.push(Number(value));
    at = next;
  }
  return values;
}

function readVarint(message: Uint8Array, start: number): { readonly value: bigint; readonly next: number } {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = message[start + i];
    if (byte === undefined) throw new Error('protobuf: cut off');
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: start + i + 1 };
  }
  throw new Error('protobuf: a varint of more than ten bytes');
}
