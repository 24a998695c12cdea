import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { APART, bundleOptions } from '../../bundle/bundle.mjs';

/** A package inside a program. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, or NOASSERTION. */
  readonly license: string;
  /** Package URL, https://github.com/package-url/purl-spec. */
  readonly purl: string;
  readonly downloadLocation: string;
  /** Hexadecimal, of the archive at the download location. */
  readonly sha512?: string;
  /** Licences and notices as the package has them. */
  readonly texts: readonly string[];
}

interface Contents {
  readonly sources: readonly string[];
  /** npm packages outside the bundle that run; their other dependencies are for their installation. */
  readonly beside: readonly string[];
  /** Libraries linked into the addon, by Debian's names. */
  readonly linked: Readonly<Record<string, string>>;
}

const PROGRAMS = {
  exporter: {
    sources: ['exporter/main.ts', apart('lorikeet-kubeconfig')],
    beside: [],
    linked: {
      'libbpf-dev': 'LGPL-2.1-only OR BSD-2-Clause',
      'libelf-dev': 'GPL-2.0-or-later OR LGPL-3.0-or-later',
      'zlib1g-dev': 'Zlib',
    },
  },
  scorer: {
    sources: ['scorer/main.ts', apart('lorikeet-sigv4'), apart('lorikeet-azuread')],
    beside: ['onnxruntime-node', 'onnxruntime-common'],
    linked: {},
  },
  sim: {
    sources: ['microsim/main.ts', 'microsim/service/main.ts', 'microsim/load/main.ts', apart('lorikeet-sim-tracing')],
    beside: [],
    linked: {},
  },
} as const satisfies Record<string, Contents>;

export type ProgramName = keyof typeof PROGRAMS;
export const PROGRAM_NAMES = Object.keys(PROGRAMS);

export function isProgramName(name: string): name is ProgramName {
  return Object.hasOwn(PROGRAMS, name);
}

function apart(name: string): string {
  return APART[name] ?? '';
}

/** Everything in a program that others wrote. @param node the Node.js that it is shipped with */
export async function componentsOf(program: ProgramName, node: string): Promise<readonly Component[]> {
  const { sources, beside, linked } = PROGRAMS[program];
  const folders = new Set([...(await bundledPackages(sources)), ...beside.map((name) => `node_modules/${name}`)]);
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
  return [
    ...[...folders].toSorted().map((folder) => npmComponent(folder, packages[folder])),
    ...nodeComponents(node),
    ...Object.entries(linked).map(([name, license]) => debianComponent(name, license)),
  ];
}

/** What scripts/images/base.sh takes of this Debian. */
export function baseComponents(): readonly Component[] {
  const gcc = 'GPL-3.0-or-later WITH GCC-exception-3.1';
  const libraries = { libc6: 'LGPL-2.1-or-later', 'libgcc-s1': gcc, 'libstdc++6': gcc };
  return Object.entries(libraries).map(([name, license]) => debianComponent(name, license));
}

/** The folder of a file's package, which may be inside another one. */
const PACKAGE = /node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+/;

/** The folders of all packages that are in a bundle, as the bundler reports them. */
async function bundledPackages(sources: readonly string[]): Promise<string[]> {
  // Entries are named after their files, which need not be unique.
  const entries = Object.fromEntries(sources.map((source, index) => [`entry-${index}`, source]));
  const { metafile } = await build({ ...bundleOptions(entries), write: false, metafile: true });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return (
    inputs
      // The bundler has removed unused files.
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .flatMap(([path]) => PACKAGE.exec(path)?.[0] ?? [])
  );
}

interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly resolved?: string;
  readonly integrity?: string;
}

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

const SHA512 = 'sha512-';

function npmComponent(folder: string, locked: LockedPackage | undefined): Component {
  if (locked === undefined) throw new Error(`package-lock.json: expected ${folder}`);
  const { version, license = 'NOASSERTION', resolved = 'NOASSERTION', integrity } = locked;
  const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return {
    name,
    version,
    license,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    downloadLocation: resolved,
    ...(integrity?.startsWith(SHA512) && {
      sha512: Buffer.from(integrity.slice(SHA512.length), 'base64').toString('hex'),
    }),
    texts: licenceFiles(folder),
  };
}

const LICENCE = /^(licen[cs]e|copying|notice|thirdpartynotices)/i;

function licenceFiles(folder: string): string[] {
  const files = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && LICENCE.test(entry.name),
  );
  return files.map(({ name }) => readFileSync(join(folder, name), 'utf8')).toSorted();
}

/** Libraries in Node.js's binary, `process.versions` -> name and licence. Its own LICENSE has the texts of all. */
const IN_NODE: Readonly<Record<string, readonly [name: string, license: string]>> = {
  ada: ['ada', 'Apache-2.0 OR MIT'],
  ares: ['c-ares', 'MIT'],
  brotli: ['brotli', 'MIT'],
  icu: ['icu', 'Unicode-3.0'],
  llhttp: ['llhttp', 'MIT'],
  nghttp2: ['nghttp2', 'MIT'],
  openssl: ['openssl', 'Apache-2.0'],
  simdjson: ['simdjson', 'Apache-2.0'],
  simdutf: ['simdutf', 'Apache-2.0 OR MIT'],
  sqlite: ['sqlite', 'blessing'],
  uv: ['libuv', 'MIT'],
  uvwasi: ['uvwasi', 'MIT'],
  v8: ['v8', 'BSD-3-Clause'],
  zlib: ['zlib', 'Zlib'],
  zstd: ['zstd', 'BSD-3-Clause OR GPL-2.0-only'],
};

function nodeComponents(node: string): Component[] {
  const printed = execFileSync(node, ['-p', 'JSON.stringify(process.versions)'], { encoding: 'utf8' });
  const versions = JSON.parse(printed) as Readonly<Record<string, string>>;
  const generic = (name: string, version: string, license: string, texts: readonly string[]): Component => {
    return { name, version, license, purl: `pkg:generic/${name}@${version}`, downloadLocation: 'NOASSERTION', texts };
  };
  const inside = Object.entries(IN_NODE).flatMap(([key, [name, license]]) => {
    const version = versions[key];
    return version === undefined ? [] : [generic(name, version, license, [])];
  });
  return [generic('node', versions['node'] ?? '', 'MIT', nodeLicence(node)), ...inside];
}

/** Beside a downloaded binary, or where Debian's packages and the official images have it. */
function nodeLicence(node: string): string[] {
  const places = [
    join(dirname(realpathSync(node)), '../LICENSE'),
    '/usr/share/doc/nodejs/LICENSE',
    '/usr/share/doc/nodejs/copyright',
  ];
  const place = places.find((path) => existsSync(path));
  return place === undefined ? [] : [readFileSync(place, 'utf8')];
}

function debianComponent(name: string, license: string): Component {
  const fields = ['-W', '-f', '${source:Package} ${Version}', name];
  const [source = name, version = ''] = execFileSync('dpkg-query', fields, { encoding: 'utf8' }).split(' ');
  return {
    name: basename(source),
    version,
    license,
    purl: `pkg:deb/debian/${source}@${encodeURIComponent(version)}`,
    downloadLocation: 'NOASSERTION',
    texts: [readFileSync(`/usr/share/doc/${name}/copyright`, 'utf8')],
  };
}
