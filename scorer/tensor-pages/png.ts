import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';

/** In a thread of libuv. */
const compress = promisify(deflate);

/** An RGB image, 8 bits per channel, row by row from the top. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const BIT_DEPTH = 8;
const TRUE_COLOUR = 2;
/** Filter types at the start of each row; large uniform cells compress well without a filter. */
const NO_FILTER = 0;
/** Each byte is the difference from that of the row above. */
const UP = 2;

/** Encodes an image as PNG, without transparency or interlacing: https://www.w3.org/TR/png-3/ */
export async function encodePng({ width, height, rgb }: Image): Promise<Buffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([BIT_DEPTH, TRUE_COLOUR], 8);
  const data = await compress(filteredRows(width * 3, height, rgb));
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.of())]);
}

/** Most rows are as the one above, and zeros compress fastest. @param stride bytes of a row */
function filteredRows(stride: number, height: number, rgb: Uint8Array): Buffer {
  const rows = Buffer.alloc(height * (stride + 1), NO_FILTER);
  for (let row = 0; row < height; row++) {
    const start = row * (stride + 1);
    const pixels = rgb.subarray(row * stride, (row + 1) * stride);
    const isRepeated = row > 0 && Buffer.compare(pixels, rgb.subarray((row - 1) * stride, row * stride)) === 0;
    if (isRepeated) rows[start] = UP;
    else rows.set(pixels, start + 1);
  }
  return rows;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
