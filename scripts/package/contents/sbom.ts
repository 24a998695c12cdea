import type { BuildInfo } from '../../bundle/build-info.mjs';
import type { Component } from './components.ts';

/** A file of a release, or a program within one. */
export interface Described {
  readonly name: string;
  readonly build: BuildInfo;
  readonly components: readonly Component[];
  /** The file, if it is one. */
  readonly file?: { readonly name: string; readonly sha256: string };
}

const LICENCE = 'MIT';

/** The SBOM in SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/), the same for the same build. */
export function renderSbom({ name, build, components, file }: Described): string {
  const { version, revision, date = '1970-01-01T00:00:00.000Z' } = build;
  const root = {
    name,
    SPDXID: `SPDXRef-Package-${name}`,
    versionInfo: version,
    ...(file !== undefined && {
      packageFileName: file.name,
      checksums: [{ algorithm: 'SHA256', checksumValue: file.sha256 }],
    }),
    supplier: 'NOASSERTION',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: LICENCE,
    copyrightText: 'NOASSERTION',
  };
  const packages = components.map((component, index) => spdxPackage(component, index + 1));
  const relation = (spdxElementId: string, relationshipType: string, relatedSpdxElement: string) => {
    return { spdxElementId, relationshipType, relatedSpdxElement };
  };
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${name}-${version}`,
    documentNamespace: `https://spdx.org/spdxdocs/${file?.name ?? `${name}-${version}`}-${revision}`,
    creationInfo: { created: date.replace(/\.\d+Z$/, 'Z'), creators: ['Tool: lorikeet-package'] },
    packages: [root, ...packages],
    relationships: [
      relation('SPDXRef-DOCUMENT', 'DESCRIBES', root.SPDXID),
      ...packages.map(({ SPDXID }) => relation(root.SPDXID, 'CONTAINS', SPDXID)),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** @param number makes its identifier unique: a package may be there in several copies */
function spdxPackage({ name, version, license, purl, downloadLocation, sha512 }: Component, number: number) {
  return {
    name,
    SPDXID: `SPDXRef-${number}-${`${name}-${version}`.replaceAll(/[^\w.-]/g, '-').replaceAll('_', '-')}`,
    versionInfo: version,
    supplier: 'NOASSERTION',
    downloadLocation,
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license,
    copyrightText: 'NOASSERTION',
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
    ...(sha512 !== undefined && { checksums: [{ algorithm: 'SHA512', checksumValue: sha512 }] }),
  };
}
