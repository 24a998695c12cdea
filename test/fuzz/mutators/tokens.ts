import type { Random } from '../../../scorer/numeric/random.ts';
import { below, pick } from './choice.ts';

/** Words of YAML and JSON, numbers at their limits, and names that JavaScript's objects have. */
// oxfmt would give each a line of its own.
// prettier-ignore
const TOKENS = [
  '- ', ': ', ', ', '{', '}', '[', ']', '{}', '[]', '"', "'", '#', '\t', '\n', '\r\n', '  ', '? ', '| ', '>-\n',
  '---\n', '...\n', '%YAML 1.2\n', '%TAG ! x\n', '<<: ', '&a ', '*a', '*a, *a', '&a [*a]', '!', '!x ', '!<x> ',
  '!!binary ', '!!int ', '!!set ', '!!null ', 'null', '~', 'true', 'No', '.nan', '-.inf', '1e999', '-0', '0x1f',
  '9007199254740993', '9'.repeat(400), `0x${'f'.repeat(300)}`, '1_000', '12:30:45', '2001-01-01', '\\u0000',
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '""', "''", 'x'.repeat(5000),
  'http://u:p@h/?q#f', 'http://[', 'http://[::1]:99999', '%', '%zz', '$window', '{a="b"}', '((((', '1h', '-1m',
  '\u001b[31m', '\u009b', '\u202e', '\ud800', '\ufeff', '\u2028', '😀', '/../', '/dev/zero', '.', '/',
];

/** Places between words. */
const EDGES = /\b|$/g;

/** `text` with a token more, at the edge of a word, or in place of one. */
export function mutateTokens(text: string, random: Random): string {
  const edges = [...text.matchAll(EDGES)].map(({ index }) => index);
  const at = below(random, edges.length);
  const start = edges[at] ?? 0;
  const end = random.uniform() < 0.5 ? start : (edges[at + 1] ?? start);
  return text.slice(0, start) + pick(random, TOKENS) + text.slice(end);
}
