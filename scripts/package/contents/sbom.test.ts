import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Component, componentsOf, PROGRAM_NAMES, isProgramName } from './components.ts';
import { renderLicences } from './licences.ts';
import { renderSbom } from './sbom.ts';

const BUILD = { version: '1.2.3', branch: 'trunk', revision: 'abc', date: '2024-05-01T12:00:00.000Z' };
const component = (name: string, texts: readonly string[] = []): Component => {
  return { name, version: '1.0', license: 'MIT', purl: `pkg:npm/${name}@1.0`, downloadLocation: 'NOASSERTION', texts };
};

test('an SBOM is the same for the same build, and every identifier in it is one', () => {
  const described = { name: 'x', build: BUILD, components: [component('@a/b_c'), component('@a/b_c'), component('d')] };
  const text = renderSbom(described);
  expect(renderSbom(described)).toBe(text);
  const { packages, relationships, creationInfo, documentNamespace } = JSON.parse(text) as {
    readonly packages: readonly { readonly SPDXID: string }[];
    readonly relationships: readonly { readonly spdxElementId: string; readonly relatedSpdxElement: string }[];
    readonly creationInfo: { readonly created: string };
    readonly documentNamespace: string;
  };
  const ids = packages.map(({ SPDXID }) => SPDXID);
  expect(new Set(ids).size).toBe(4);
  // https://spdx.github.io/spdx-spec/v2.3/package-information/#72-package-spdx-identifier-field
  for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
  const ends = relationships.flatMap((relation) => [relation.spdxElementId, relation.relatedSpdxElement]);
  expect(ends.filter((id) => id !== 'SPDXRef-DOCUMENT' && !ids.includes(id))).toEqual([]);
  expect(creationInfo.created).toBe('2024-05-01T12:00:00Z');
  expect(documentNamespace).toBe('https://spdx.org/spdxdocs/x-1.2.3-abc');
});

test('the SBOM of a file has its name and sum', () => {
  const file = { name: 'x.tar.gz', sha256: 'f'.repeat(64) };
  const { packages } = JSON.parse(renderSbom({ name: 'x', build: BUILD, components: [], file })) as {
    readonly packages: readonly object[];
  };
  const checksums = [{ algorithm: 'SHA256', checksumValue: file.sha256 }];
  expect(packages).toEqual([expect.objectContaining({ packageFileName: 'x.tar.gz', checksums })]);
});

test('equal licences stand once, under all their packages', () => {
  const text = renderLicences('x', [component('a', ['T\r\nU\n']), component('b', ['T\nU']), component('c')]);
  expect(text.match(/T\nU/g)?.length).toBe(1);
  expect(text).toContain('a 1.0 (MIT)\nb 1.0 (MIT)\n\nT\nU\n');
  expect(text).toMatch(/Without a text of their own[^]*\n\nc 1\.0 \(MIT\)\n$/);
});

test.each(PROGRAM_NAMES)('every component of %s has a version and a licence', async (program) => {
  if (!isProgramName(program)) throw new Error(program);
  const components = await componentsOf(program, process.execPath);
  expect(components.length).toBeGreaterThan(10);
  for (const { name, version, license } of components) {
    expect([name, version, license]).toEqual([name, expect.stringMatching(/\d/), expect.stringMatching(/^[A-Z(b]/)]);
    expect([name, license]).not.toEqual([name, 'NOASSERTION']);
  }
  // Every package of the bundle is one of package-lock.json.
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { readonly packages: object };
  const npm = components.filter(({ purl }) => purl.startsWith('pkg:npm/'));
  for (const { name } of npm)
    expect(existsSync(`node_modules/${name}`) || JSON.stringify(packages).includes(`/${name}"`)).toBe(true);
});
