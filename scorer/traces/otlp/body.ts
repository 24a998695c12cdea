import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { OtlpError } from './error.ts';

const decompress = promisify(gunzip);

/** All bodies under way may hold this many times the largest size. */
const BODIES_AT_ONCE = 4;

/**
 * Reads request bodies of at most `maxBody` bytes before and after decompression. Bodies are received concurrently, but
 * decompressed and used one at a time.
 */
export class BodyReader {
  readonly #maxBody: number;
  readonly #turns = new Turns();
  #held = 0;

  constructor(maxBody: number) {
    this.#maxBody = maxBody;
  }

  /** Calls `use` with the body when its turn has come. @throws OtlpError, and errors of `use` */
  async read(request: IncomingMessage, use: (body: Uint8Array) => Promise<void>): Promise<void> {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'gzip' && encoding !== 'identity') {
      throw new OtlpError(415, `expected Content-Encoding gzip or none, got ${encoding.slice(0, 40)}`);
    }
    if (Number(request.headers['content-length'] ?? 0) > this.#maxBody) throw this.#tooLarge();
    let held = 0;
    const hold = (bytes: number) => {
      if (this.#held + bytes > BODIES_AT_ONCE * this.#maxBody) throw new OtlpError(503, 'too many requests at once');
      held += bytes;
      this.#held += bytes;
    };
    try {
      const body = await this.#collect(request, hold);
      await this.#turns.take(async () => use(encoding === 'gzip' ? await this.#decompress(body) : body));
    } finally {
      this.#held -= held;
    }
  }

  async #collect(request: IncomingMessage, hold: (bytes: number) => void): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > this.#maxBody) throw this.#tooLarge();
      hold(chunk.length);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, length);
  }

  async #decompress(body: Uint8Array): Promise<Uint8Array> {
    try {
      return await decompress(body, { maxOutputLength: this.#maxBody });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw this.#tooLarge();
      throw new OtlpError(400, 'not gzip', { cause: error });
    }
  }

  #tooLarge(): OtlpError {
    return new OtlpError(413, `expected at most ${this.#maxBody} bytes, also after decompression`);
  }
}

/** Runs one task at a time, in order. */
class Turns {
  #last: Promise<void> = Promise.resolve();

  take(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
