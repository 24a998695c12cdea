import { GatheredBytes } from '../../../../daemon/received/gathered-bytes.ts';
import { MAX_NESTING, parseReceivedJson } from '../../../../daemon/received/json.ts';
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from '../../../../daemon/received/json-bytes.ts';
import { ProtocolError } from './api-error.ts';
import { MAX_ENVELOPE_BYTES, MAX_OBJECT_BYTES } from './limits.ts';

/** JSON nesting depth of the list's array, and of an item in it. */
const ARRAY_DEPTH = 2;
const ITEM_DEPTH = 3;

/**
 * Parses the JSON of a Kubernetes list from a stream, item by item. A list of thousands of pods has tens of megabytes:
 * it is never in memory as a whole, and never parsed at once, which would block the event loop.
 */
export class ListItems {
  readonly #onItem: (item: unknown) => void;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The part of the list at the current byte; `between` is between two items. */
  #part: 'envelope' | 'between' | 'item' = 'envelope';
  /** Bytes of the incomplete item. */
  readonly #item = new GatheredBytes();
  /** Bytes of the list without its items. */
  readonly #envelope = new GatheredBytes();

  /** `onItem` receives each parsed item. */
  constructor(onItem: (item: unknown) => void) {
    this.#onItem = onItem;
  }

  /** @throws SyntaxError if an item is not valid JSON, ProtocolError if an item or the rest of the list is too large. */
  push(chunk: Buffer): void {
    let start = 0;
    const take = (end: number): void => {
      if (end > start) this.#take(chunk.subarray(start, end));
      start = end;
    };
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) {
        this.#inString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#open(byte, index, take);
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#close(index, take);
      }
    }
    take(chunk.length);
  }

  /** The list without its items, after the end of the stream. @throws SyntaxError if the list is incomplete. */
  envelope(): unknown {
    return parseReceivedJson(this.#envelope.take());
  }

  #open(byte: number, index: number, take: (end: number) => void): void {
    if (++this.#depth > MAX_NESTING) throw new ProtocolError(`a list is nested more than ${MAX_NESTING} times`);
    if (byte === OPEN_BRACKET && this.#depth === ARRAY_DEPTH) {
      take(index + 1);
      this.#part = 'between';
    } else if (this.#part === 'between' && this.#depth === ITEM_DEPTH) {
      take(index);
      this.#part = 'item';
    }
  }

  #close(index: number, take: (end: number) => void): void {
    if (this.#part === 'item' && this.#depth === ITEM_DEPTH) {
      take(index + 1);
      this.#part = 'between';
      this.#onItem(JSON.parse(this.#item.take().toString()));
    } else if (this.#part === 'between') {
      take(index);
      this.#part = 'envelope';
    }
    this.#depth--;
  }

  #take(bytes: Buffer): void {
    if (this.#part === 'item') add(this.#item, bytes, MAX_OBJECT_BYTES);
    else if (this.#part === 'envelope') add(this.#envelope, bytes, MAX_ENVELOPE_BYTES);
  }
}

function add(to: GatheredBytes, bytes: Buffer, maxBytes: number): void {
  if (to.length + bytes.length > maxBytes) throw new ProtocolError(`a part of a list exceeds ${maxBytes} bytes`);
  to.push(bytes);
}
