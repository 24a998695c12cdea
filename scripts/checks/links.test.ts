import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const MAX_README_WORDS = 900;
const MAX_SCRIPTS = 15;
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path)),
];
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: object };

const read = (path: string) => readFileSync(path, 'utf8');
const withoutCodeBlocks = (text: string) => text.replaceAll(/^ *(`{3,}|~{3,}).*\n(?:.*\n)*? *\1 *$/gm, '');

/** Targets of links and images, with those of definitions (`[name]: target`) and of HTML. */
function linksOf(text: string): string[] {
  const prose = withoutCodeBlocks(text).replaceAll(/`[^`]*`/g, 'code');
  const targets = prose.matchAll(/\]\(\s*<?([^)\s>]+)|^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)|\b(?:href|src)="([^"]+)"/gm);
  return [...targets].map(([, inline, definition, html]) => inline ?? definition ?? html ?? '');
}

/** The anchors that GitHub gives a document's headings: lower case, no punctuation, a number for each repetition. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutCodeBlocks(text).matchAll(/^ {0,3}#{1,6}\s+(.+?)(?:\s+#+)?\s*$/gm)) {
    const plain = heading.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '').replaceAll(' ', '-');
    let unique = anchor;
    for (let repetition = 1; anchors.has(unique); repetition++) unique = `${anchor}-${repetition}`;
    anchors.add(unique);
  }
  return anchors;
}

/** The broken relative links of a document at `path`, with the reason. */
function brokenLinks(path: string, text: string): string[] {
  return linksOf(text).flatMap((link) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return [];
    const [file = '', anchor] = decodeURI(link).split('#');
    const target = file === '' ? path : join(dirname(path), file);
    if (file.startsWith('/') || target.startsWith('..')) return [`${link}: outside the repository`];
    if (target !== path && !existsSync(target)) return [`${link}: no such file`];
    if (anchor === undefined || !target.endsWith('.md')) return [];
    return anchorsOf(target === path ? text : read(target)).has(anchor) ? [] : [`${link}: no such heading`];
  });
}

/** npm scripts named in a document that package.json does not have. */
function missingScripts(text: string): string[] {
  const names = [...text.matchAll(/\bnpm run\s+(?:--?[a-z-]+\s+)*([a-z][\w-]*(?::[\w-]+)*)/g)].map(
    ([, name = '']) => name,
  );
  return names.filter((name) => !Object.hasOwn(scripts, name));
}

const countWords = (text: string) => text.split(/\s+/).filter((word) => word !== '').length;

describe.each(DOCUMENTS)('%s', (path) => {
  test('has no broken link', () => expect(brokenLinks(path, read(path))).toEqual([]));
  test('only names existing npm scripts', () => expect(missingScripts(read(path))).toEqual([]));
});

test(`README.md has at most ${MAX_README_WORDS} words`, () => {
  expect(countWords(read('README.md'))).toBeLessThanOrEqual(MAX_README_WORDS);
});

test(`package.json has at most ${MAX_SCRIPTS} scripts`, () => {
  expect(Object.keys(scripts).length).toBeLessThanOrEqual(MAX_SCRIPTS);
});

test('docs/README.md is an index of all documents', () => {
  const linked = new Set(linksOf(read('docs/README.md')).map((link) => join('docs', link)));
  expect(
    DOCUMENTS.filter((path) => path.startsWith('docs/') && path !== 'docs/README.md' && !linked.has(path)),
  ).toEqual([]);
});

test('broken links and missing scripts are found', () => {
  const text = [
    '# A `b`: c_d, [e](f.md)',
    '## Twice',
    '## Twice',
    '[fine](#a-b-c_d-e) [fine](#twice-1) [fine](../README.md#limits) [fine](https://lorikeet.dev/#nothing) [fine](adr/)',
    '[no heading](#twice-2) [no heading](../README.md#limit) ![no file](images/none.png) [outside](../../x.md)',
    '[named]: other.md',
    '`[code](none.md)`, `npm run demo -- --keep`, `npm run',
    'bench:none` and `npm run --silent setup`',
    '```md',
    '[code](none.md)',
    '# Code',
    '```',
    '[no heading](#code)',
  ].join('\n');
  expect(brokenLinks('docs/none.md', text)).toEqual([
    'f.md: no such file',
    '#twice-2: no such heading',
    '../README.md#limit: no such heading',
    'images/none.png: no such file',
    '../../x.md: outside the repository',
    'other.md: no such file',
    '#code: no such heading',
  ]);
  expect(missingScripts(text)).toEqual(['bench:none']);
});
