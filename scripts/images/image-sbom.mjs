// node scripts/images/image-sbom.mjs exporter|scorer|sim: prints the SBOM of the program's image in SPDX: npm's, without
// packages that are not in the program, and with components unknown to npm. The bundler reports the content of a
// bundle.
import { execFileSync } from 'node:child_process';
import { build } from 'esbuild';
import { APART, bundleOptions } from '../bundle/bundle.mjs';

const PROGRAMS = {
  exporter: ['exporter/main.ts', APART['lorikeet-kubeconfig']],
  scorer: ['scorer/main.ts', APART['lorikeet-sigv4'], APART['lorikeet-azuread']],
  sim: ['microsim/main.ts', 'microsim/service/main.ts', 'microsim/load/main.ts', APART['lorikeet-sim-tracing']],
};
/** Packages outside the bundle, with their dependencies at run time; the other ones are for their installation. */
const BESIDE = { exporter: [], scorer: ['onnxruntime-node', 'onnxruntime-common'], sim: [] };
/** Libraries linked into the exporter's addon, by Debian's names. */
const LINKED = { exporter: ['libbpf-dev', 'libelf-dev', 'zlib1g-dev'], scorer: [], sim: [] };

/** The path of a file's package, which may be inside another one. */
const PACKAGE = /node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+/;

async function bundled(image) {
  const { metafile } = await build({
    ...bundleOptions(PROGRAMS[image]),
    write: false,
    metafile: true,
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const packages = inputs
    // The bundler has removed unused files.
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => PACKAGE.exec(path)?.[0]);
  return new Set(packages.filter((path) => path !== undefined));
}

// Not --omit=dev, which also omits some needed packages: the bundle decides.
function npmSbom() {
  return JSON.parse(
    execFileSync('npm', ['sbom', '--sbom-format=spdx', '--package-lock-only'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    }),
  );
}

function component(name, version, license, locator) {
  return {
    name,
    SPDXID: `SPDXRef-Package-${name}-${version.replaceAll(/[^\w.-]/g, '-')}`,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseDeclared: license,
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator }],
  };
}

function debianComponent(name) {
  const [source, version] = execFileSync('dpkg-query', ['-W', '-f', '${source:Package} ${Version}', name], {
    encoding: 'utf8',
  }).split(' ');
  return component(source, version, 'NOASSERTION', `pkg:deb/debian/${source}@${encodeURIComponent(version)}`);
}

const image = process.argv[2];
if (!Object.hasOwn(PROGRAMS, image ?? '')) {
  process.stderr.write(`image-sbom: expected ${Object.keys(PROGRAMS).join(', ')}, got ${image}\n`);
  process.exit(2);
}
const sbom = npmSbom();
const inside = await bundled(image);
for (const name of BESIDE[image]) inside.add(`node_modules/${name}`);
const node = component('node', process.versions.node, 'MIT', `pkg:generic/node@${process.versions.node}`);
const others = [node, ...LINKED[image].map(debianComponent)];
const packages = sbom.packages.filter(({ SPDXID, packageFileName }) => {
  return sbom.documentDescribes.includes(SPDXID) || inside.has(packageFileName);
});
const ids = new Set(packages.map(({ SPDXID }) => SPDXID));
const relationships = sbom.relationships.filter((relation) => {
  const ends = [relation.spdxElementId, relation.relatedSpdxElement];
  return ends.every((id) => id === 'SPDXRef-DOCUMENT' || ids.has(id));
});
const added = others.map(({ SPDXID }) => ({
  spdxElementId: sbom.documentDescribes[0],
  relatedSpdxElement: SPDXID,
  relationshipType: 'CONTAINS',
}));
const result = {
  ...sbom,
  name: `lorikeet-${image}@${sbom.packages[0].versionInfo}`,
  packages: [...packages, ...others],
  relationships: [...relationships, ...added],
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
