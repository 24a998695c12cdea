import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const DOCUMENT = 'docs/dependencies.md';

interface Manifest {
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const readManifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** The first two columns of the tables of one section of a document. */
function listed(text: string, heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| (?!package |---)([^|]+) \| ([^|]+) \|/gm)].map(
    ([, name, licence]) => `${name}: ${licence}`,
  );
}

function installed(names: Readonly<Record<string, string>> = {}): string[] {
  return Object.keys(names)
    .sort()
    .map((name) => `${name}: ${readManifest(join('node_modules', name)).license}`);
}

const { dependencies, devDependencies } = readManifest('.');
const document = readFileSync(DOCUMENT, 'utf8');

test.each([
  ['In the programs', dependencies],
  ['To build and test', devDependencies],
])('%s: the documented packages and licences are those that are installed', (heading, names) => {
  expect(listed(document, heading)).toEqual(installed(names));
});

test('a package that is not documented is found', () => {
  expect(listed(document, 'In the programs')).not.toEqual(installed({ ...dependencies, vitest: '*' }));
  expect(listed('## A\n\n| package | licence |\n|---|---|\n| x | MIT |\n', 'A')).toEqual(['x: MIT']);
});
