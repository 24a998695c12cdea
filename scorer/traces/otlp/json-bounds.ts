import { OtlpError } from './error.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** OTLP nests ten deep down to an attribute's value, which may be a tree. */
const MAX_DEPTH = 64;
/** Objects, lists and their elements. OTLP has at most one in nine bytes. */
const BYTES_PER_ELEMENT = 6;
const ELEMENTS_FREE = 1000;

/**
 * Refuses text that would be parsed into very many or very deep values, such as `[[[[...` and `{},{},{},...`. It does
 * not check that the text is JSON.
 *
 * @throws OtlpError
 */
export function checkJsonBounds(body: Uint8Array): void {
  const mostElements = ELEMENTS_FREE + body.length / BYTES_PER_ELEMENT;
  let depth = 0;
  let elements = 0;
  for (let at = 0; at < body.length; at++) {
    switch (body[at]) {
      case QUOTE:
        at = endOfString(body, at);
        break;
      case COMMA:
        elements++;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        elements++;
        if (++depth > MAX_DEPTH) throw new OtlpError(400, `expected JSON nested at most ${MAX_DEPTH} deep`);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        break;
      default:
    }
    if (elements > mostElements) throw new OtlpError(400, 'expected OTLP in JSON, got mostly empty objects or lists');
  }
}

/** The end of the string that begins at `start`. */
function endOfString(body: Uint8Array, start: number): number {
  let end = body.indexOf(QUOTE, start + 1);
  while (end !== -1 && isEscaped(body, end)) end = body.indexOf(QUOTE, end + 1);
  return end === -1 ? body.length : end;
}

function isEscaped(body: Uint8Array, at: number): boolean {
  let backslashes = 0;
  while (body[at - 1 - backslashes] === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}
