import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { HttpError } from './error.ts';
import type { HttpRequest } from './message.ts';

/** As large as the chunks of a socket: smaller ones cost the reader of a large response time. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a response's body, uncompressed, to its end. With `onBody` the result is empty.
 *
 * @param maxBytes limit of the uncompressed size: a small response may expand a thousandfold
 * @throws HttpError
 */
export async function readBody(
  response: Dispatcher.ResponseData,
  maxBytes: number,
  onBody: HttpRequest['onBody'],
): Promise<Buffer> {
  const body = decode(response);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      refuse(body, new HttpError('TOO_LARGE', `the response exceeds ${maxBytes} bytes`));
    }
    if (onBody === undefined) chunks.push(chunk);
    else onBody(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function decode({ headers, body, statusCode }: Dispatcher.ResponseData): Readable {
  const encoding = headers['content-encoding'];
  const empty = statusCode === 204 || statusCode === 304 || headers['content-length'] === '0';
  if (encoding === undefined || encoding === 'identity' || empty) return body;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    refuse(body, new HttpError('PROTOCOL', `unexpected content encoding ${JSON.stringify(encoding)}`));
  }
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // An error of either stream destroys the other, and is thrown to the reader of this one.
  pipeline(body, gunzip, () => undefined);
  return gunzip;
}

function refuse(body: Readable, error: HttpError): never {
  body.on('error', () => undefined).destroy();
  throw error;
}
