import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { changedSince, pictureSources, pictureSums, sourceSums, SUMS } from './picture-sums.ts';
import { PICTURES } from './scene.ts';

const root = mkdtempSync(join(tmpdir(), 'lorikeet-pictures-'));
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  rmSync(root, { recursive: true });
  const pictures = PICTURES.map(({ name }) => `docs/images/${name}.png`);
  for (const path of [...pictures, ...pictureSources('.')]) cpSync(path, join(root, path));
});

test('the pictures of the documentation show the dashboards as they are', () => {
  const changed = changedSince(readFileSync(SUMS, 'utf8'), '.');
  expect(changed, 'the pictures are out of date: run `npm run preview -- pictures` and commit docs/images').toEqual([]);
});

test('what the drawing command records is up to date', () => {
  expect(changedSince(pictureSums(root) + sourceSums(root), root)).toEqual([]);
});

test.each<[string, string, (path: string) => void]>([
  ['changed source', 'dashboards/generated/lorikeet-service.json', (path) => appendFileSync(path, '\n')],
  ['changed picture', 'docs/images/overview.png', (path) => appendFileSync(path, '\n')],
  ['new source', 'scripts/preview/page/pie-chart.ts', (path) => writeFileSync(path, '')],
  ['removed source', 'scripts/preview/page/units.ts', (path) => rmSync(path)],
  ['removed picture', 'docs/images/service.png', (path) => rmSync(path)],
])('a %s is named', (_, path, change) => {
  const sums = pictureSums(root) + sourceSums(root);
  change(join(root, path));
  expect(changedSince(sums, root)).toEqual([path]);
});

test('what a scene imports of the page is a source', () => {
  const sources = pictureSources('.');
  for (const source of sources.filter((path) => path.endsWith('.ts'))) {
    const imports = readFileSync(source, 'utf8').matchAll(/^import (?!type ).*'(\.[^']+\.ts)';$/gm);
    for (const [, path = ''] of imports) expect(sources).toContain(join(source, '..', path));
  }
});
