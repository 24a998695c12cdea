import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Replaces the text between the markers `<!-- name: begin -->` and `<!-- name: end -->` of a document.
 *
 * @throws Error without markers
 */
export function replaceBlock(path: string, name: string, text: string): void {
  const document = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path}: expected ${begin} and ${end}`);
  writeFileSync(path, `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`);
}
