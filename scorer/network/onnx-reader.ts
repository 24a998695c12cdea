import { DATA_TYPES } from './onnx.ts';

/** The bytes aren't an ONNX file as `encodeModel` writes it. */
export class OnnxFormatError extends Error {
  readonly code = 'ONNX_FORMAT';
  override readonly name = 'OnnxFormatError';
}

export interface ReadTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface ReadModel {
  /** The float32 tensors stored in the file, by name. */
  readonly tensors: ReadonlyMap<string, ReadTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads the weights and the metadata from an ONNX file; ignores the nodes.
 *
 * @throws OnnxFormatError if the file is truncated or not as `encodeModel` writes it
 */
export function readModel(bytes: Uint8Array): ReadModel {
  const tensors = new Map<string, ReadTensor>();
  const metadata = new Map<string, string>();
  for (const [field, value] of fields(bytes)) {
    if (field === 7) {
      for (const [inner, tensor] of fields(asBytes(value))) if (inner === 5) readTensor(asBytes(tensor), tensors);
    } else if (field === 14) {
      const entry = new Map(fields(asBytes(value)));
      metadata.set(asText(entry.get(1)), asText(entry.get(2)));
    }
  }
  return { tensors, metadata };
}

function readTensor(bytes: Uint8Array, into: Map<string, ReadTensor>): void {
  const tensor = new Map(fields(bytes));
  // Fields external_data and data_location.
  if (tensor.has(13) || (tensor.get(14) ?? 0) !== 0) throw new OnnxFormatError('its weights are in another file');
  if (tensor.get(2) !== DATA_TYPES.float32) return;
  const name = asText(tensor.get(8));
  const shape = varints(asBytes(tensor.get(1)));
  const raw = asBytes(tensor.get(9));
  if (raw.length !== 4 * shape.reduce((product, size) => product * size, 1)) {
    throw new OnnxFormatError(`tensor ${name}: ${raw.length} bytes for shape [${shape.join()}]`);
  }
  // Copied, because a Float32Array must be aligned to 4 bytes.
  into.set(name, { shape, data: new Float32Array(Uint8Array.from(raw).buffer) });
}

/**
 * The fields of one message, in order: varints as numbers, length-delimited fields as bytes; ignores fixed-size ones.
 */
function* fields(bytes: Uint8Array): Generator<[field: number, value: number | Uint8Array]> {
  for (let at = 0; at < bytes.length;) {
    const [tag, afterTag] = varint(bytes, at);
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) {
      const [value, next] = varint(bytes, afterTag);
      yield [field, value];
      at = next;
    } else if (wireType === 2) {
      const [length, start] = varint(bytes, afterTag);
      at = start + length;
      if (at > bytes.length) throw new OnnxFormatError(`truncated: ${at - bytes.length} bytes missing`);
      yield [field, bytes.subarray(start, at)];
    } else if (wireType === 1 || wireType === 5) {
      at = afterTag + (wireType === 1 ? 8 : 4);
    } else {
      throw new OnnxFormatError(`unknown wire type ${wireType} at byte ${at}`);
    }
  }
}

function varint(bytes: Uint8Array, start: number): [value: number, next: number] {
  let value = 0;
  for (let at = start, factor = 1; at < bytes.length && at < start + 10; at++, factor *= 0x80) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return [value, at + 1];
  }
  throw new OnnxFormatError(`malformed varint at byte ${start}`);
}

function varints(bytes: Uint8Array): number[] {
  const values: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const [value, next] = varint(bytes, at);
    values.push(value);
    at = next;
  }
  return values;
}

function asBytes(value: number | Uint8Array | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new OnnxFormatError('expected a length-delimited field');
}

function asText(value: number | Uint8Array | undefined): string {
  return new TextDecoder().decode(asBytes(value));
}
