const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Nesting of the JSON that servers send, with a wide margin: that of a pod is below 20. */
export const MAX_NESTING = 100;

/**
 * Parses JSON that a server sent, as UTF-8.
 *
 * @throws SyntaxError if it is invalid, or nested more deeply than `maxNesting`: each open bracket costs the parser 50
 *   times its byte
 */
export function parseReceivedJson(bytes: Buffer, maxNesting = MAX_NESTING): unknown {
  checkNesting(bytes, maxNesting);
  return JSON.parse(bytes.toString('utf8'));
}

/** @throws SyntaxError if JSON is nested more deeply than `maxNesting` */
export function checkNesting(bytes: Buffer, maxNesting = MAX_NESTING): void {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = stringEnd(bytes, at + 1);
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      if (++depth > maxNesting) throw new SyntaxError(`JSON is nested more than ${maxNesting} times`);
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--;
  }
}

/** The offset of the quote that ends the string, or the end of the bytes. */
function stringEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}
