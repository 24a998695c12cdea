import type { Span } from './span.ts';

/** A user's rule for operations: what matches the regular expression becomes the replacement. */
export interface OperationPattern {
  readonly pattern: string;
  /** May refer to groups, as `$1`. */
  readonly replacement: string;
}

/** Longer names are cut before any pattern sees them, which bounds the time of a bad one. */
const MAX_INPUT = 512;
/** Characters of an operation. */
export const MAX_OPERATION = 120;
const ID = '{id}';

/** Parts of a path or a sentence. */
const TOKEN = /[^\s/,;=&()[\]]+={0,2}/g;
const NUMBER = /^[-+]?\d[\d._:-]*$/;
const UUID = /^\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?$/i;
const HEX = /^(?:0x)?[0-9a-f]{8,}$/i;
const BASE64 = /^[\w+~-]{16,}={0,2}$/;
const DIGIT = /\d/;

/**
 * Names operations so that requests that differ only in an id have the same one (Nedelkoski, Cardoso and Kao cluster by URL
 * patterns as well): the users' patterns first, then numbers, UUIDs and long segments of hex or base64 digits become
 * `{id}`. A name without a path, such as `GET`, gets the span's.
 *
 * @example
 * new OperationNames().of({ name: 'GET /orders/4711?full=1', url: undefined }); // 'GET /orders/{id}'
 */
export class OperationNames {
  readonly #patterns: readonly { readonly expression: RegExp; readonly replacement: string }[];

  /** @throws SyntaxError if a pattern is no regular expression */
  constructor(patterns: readonly OperationPattern[] = []) {
    this.#patterns = patterns.map(({ pattern, replacement }) => ({
      expression: new RegExp(pattern, 'g'),
      replacement,
    }));
  }

  of({ name, url }: Pick<Span, 'name' | 'url'>): string {
    const path = url === undefined || name.includes('/') ? '' : ` ${pathOf(url)}`;
    let text = withoutQuery(`${name}${path}`.slice(0, MAX_INPUT));
    for (const { expression, replacement } of this.#patterns) text = text.replace(expression, replacement);
    return text.replace(TOKEN, (token) => (isId(token) ? ID : token)).slice(0, MAX_OPERATION);
  }
}

function isId(token: string): boolean {
  if (NUMBER.test(token) || UUID.test(token)) return true;
  if (!DIGIT.test(token)) return false;
  return HEX.test(token) || (BASE64.test(token) && digitsOf(token) >= 4);
}

function digitsOf(token: string): number {
  return token.replace(/\D/g, '').length;
}

function pathOf(url: string): string {
  return url.replace(/^[a-z][\w+.-]*:\/\/[^/?#]*/i, '') || '/';
}

function withoutQuery(text: string): string {
  return text.replace(/[?#]\S*/g, '');
}
