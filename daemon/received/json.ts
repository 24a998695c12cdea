import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './json-bytes.ts';

/** Nesting of the JSON that servers send, with a wide margin: that of a pod is below 20. */
export const MAX_NESTING = 100;

/** Each open bracket costs the parser 40 bytes of memory. In shorter JSON they may be as many as they want. */
const SHORT_BYTES = 65_536;

/**
 * Parses JSON that a server sent, as UTF-8.
 *
 * @throws SyntaxError if it is invalid, or long and nested more deeply than `MAX_NESTING`
 */
export function parseReceivedJson(bytes: Buffer): unknown {
  if (bytes.length > SHORT_BYTES) checkNesting(bytes);
  return JSON.parse(bytes.toString('utf8'));
}

function checkNesting(bytes: Buffer): void {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = stringEnd(bytes, at + 1);
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      if (++depth > MAX_NESTING) throw new SyntaxError(`JSON is nested more than ${MAX_NESTING} times`);
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--;
  }
}

/** The offset of the quote that ends the string, or the end of the bytes. */
function stringEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}
