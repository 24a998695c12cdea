import { GatheredBytes } from '../../../../daemon/received/gathered-bytes.ts';
import { parseReceivedJson } from '../../../../daemon/received/json.ts';
import { ProtocolError } from './api-error.ts';
import { MAX_OBJECT_BYTES } from './limits.ts';

const NEWLINE = 0x0a;

/** Parses JSON lines, as sent by a watch, from chunks that may end anywhere. */
export class JsonLines {
  readonly #onValue: (value: unknown) => void;
  readonly #maxBytes: number;
  /** The incomplete last line. */
  readonly #line = new GatheredBytes();

  /** `onValue` receives each parsed line. */
  constructor(onValue: (value: unknown) => void, maxBytes = MAX_OBJECT_BYTES) {
    this.#onValue = onValue;
    this.#maxBytes = maxBytes;
  }

  /** @throws SyntaxError if a line is not valid JSON, ProtocolError if it is too long. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      start = end + 1;
      if (this.#line.length > 0) this.#onValue(parseReceivedJson(this.#line.take()));
    }
    this.#add(chunk.subarray(start));
  }

  #add(bytes: Buffer): void {
    this.#line.push(bytes);
    if (this.#line.length > this.#maxBytes) throw new ProtocolError(`an event exceeds ${this.#maxBytes} bytes`);
  }
}
