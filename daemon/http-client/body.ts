import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { GatheredBytes } from '../received/gathered-bytes.ts';
import { HttpError } from './error.ts';
import type { HttpRequest } from './message.ts';

/** As large as the chunks of a socket: smaller ones cost the reader of a large response time. */
const CHUNK_BYTES = 64 * 1024;

/** The start of the body of an error, which is enough for its message. Bytes. */
const MAX_ERROR_BYTES = 64 * 1024;
/** Time for a body of which only the start is needed, in milliseconds. */
const START_MS = 2000;

export interface BodyOptions extends Pick<HttpRequest, 'keepBytes' | 'onBody'> {
  /** Limit of the uncompressed size: a small response may expand a thousandfold. */
  readonly maxBytes: number;
}

/**
 * Reads a response's body, uncompressed: of a 2xx to its end, or its first `keepBytes`; of an error the first 64 KiB.
 * With `onBody`, the result for a 2xx is empty.
 *
 * @throws HttpError if the whole body is needed and cannot be read
 */
export async function readBody(response: Dispatcher.ResponseData, options: BodyOptions): Promise<Buffer> {
  const { maxBytes, keepBytes, onBody } = options;
  const isSuccess = response.statusCode >= 200 && response.statusCode < 300;
  if (!isSuccess) return await readStart(response, MAX_ERROR_BYTES);
  return keepBytes === undefined ? await readWhole(response, maxBytes, onBody) : await readStart(response, keepBytes);
}

async function readWhole(
  response: Dispatcher.ResponseData,
  maxBytes: number,
  onBody: HttpRequest['onBody'],
): Promise<Buffer> {
  const body = decode(response);
  const gathered = new GatheredBytes();
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      refuse(body, new HttpError('TOO_LARGE', `the response exceeds ${maxBytes} bytes`));
    }
    if (onBody === undefined) gathered.push(chunk);
    else if (onBody(chunk) === false) break;
  }
  return gathered.take();
}

/** The status has said what matters: a body that is endless, slow or broken ends here. */
async function readStart(response: Dispatcher.ResponseData, keepBytes: number): Promise<Buffer> {
  const gathered = new GatheredBytes();
  const end = () => response.body.on('error', () => undefined).destroy();
  const timer = setTimeout(end, START_MS);
  try {
    for await (const chunk of decode(response) as AsyncIterable<Buffer>) {
      gathered.push(chunk.subarray(0, keepBytes - gathered.length));
      if (gathered.length === keepBytes) break;
    }
  } catch {
    // What came before the error may still say something.
  } finally {
    clearTimeout(timer);
    end();
  }
  return gathered.take();
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
