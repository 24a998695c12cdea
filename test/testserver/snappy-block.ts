/**
 * Decodes snappy's block format, independent of the encoder, based on
 * https://github.com/google/snappy/blob/main/format_description.txt
 *
 * @throws Error unless the input is exactly one block
 */
export function decodeSnappyBlock(block: Uint8Array): Uint8Array {
  const [length, start] = readLength(block);
  const output = new Uint8Array(length);
  let written = 0;
  let at = start;
  while (at < block.length) {
    const element = readElement(block, at);
    if (element.kind === 'literal') {
      if (element.end > block.length) throw new Error('snappy: a literal beyond the input');
      if (written + element.end - element.start > length) throw new Error('snappy: longer than in its preamble');
      output.set(block.subarray(element.start, element.end), written);
      written += element.end - element.start;
      at = element.end;
    } else {
      if (element.offset === 0 || element.offset > written) throw new Error('snappy: a copy from before the output');
      if (written + element.length > length) throw new Error('snappy: longer than in its preamble');
      // Byte by byte: a copy may overlap what it writes.
      for (let i = 0; i < element.length; i++, written++) output[written] = output[written - element.offset] ?? 0;
      at = element.end;
    }
  }
  if (written !== length) throw new Error('snappy: shorter than in its preamble');
  return output;
}

type Element =
  | { readonly kind: 'literal'; readonly start: number; readonly end: number }
  | { readonly kind: 'copy'; readonly offset: number; readonly length: number; readonly end: number };

function readLength(block: Uint8Array): readonly [length: number, next: number] {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = block[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) {
      if (length > 64 * 1024 * 1024) throw new Error('snappy: too long');
      return [length, at + 1];
    }
  }
  throw new Error('snappy: no length in the preamble');
}

function readElement(block: Uint8Array, at: number): Element {
  const tag = byteAt(block, at);
  switch (tag & 3) {
    case 0: {
      const short = tag >> 2;
      const extra = Math.max(0, short - 59);
      const size = extra === 0 ? short : littleEndian(block, at + 1, extra);
      const start = at + 1 + extra;
      return { kind: 'literal', start, end: start + size + 1 };
    }
    case 1:
      return {
        kind: 'copy',
        length: 4 + ((tag >> 2) & 7),
        offset: ((tag >> 5) << 8) | byteAt(block, at + 1),
        end: at + 2,
      };
    case 2:
      return { kind: 'copy', length: 1 + (tag >> 2), offset: littleEndian(block, at + 1, 2), end: at + 3 };
    default:
      return { kind: 'copy', length: 1 + (tag >> 2), offset: littleEndian(block, at + 1, 4), end: at + 5 };
  }
}

function littleEndian(block: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value += byteAt(block, at + i) * 2 ** (8 * i);
  return value;
}

function byteAt(block: Uint8Array, at: number): number {
  const byte = block[at];
  if (byte === undefined) throw new Error('snappy: cut off');
  return byte;
}
