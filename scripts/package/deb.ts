import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { architecture } from './platform.ts';

export interface DebPackage {
  /** `lorikeet-exporter`; also the user's and the unit's name. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The user's home; the state if it exists. */
  readonly home: string;
  /** Below /etc: path -> source. */
  readonly conffiles: Readonly<Record<string, string>>;
}

export const DEB_PACKAGES = {
  exporter: {
    name: 'lorikeet-exporter',
    title: 'Lorikeet exporter',
    description: `Prometheus exporter of requests and call edges, by eBPF
 Counts requests, connections, bytes and call edges of each service in the
 kernel, without instrumenting it, and serves them to Prometheus with CPU and
 memory of its cgroup. Needs Linux 5.12 or later with BTF and cgroup v2.`,
    home: '/nonexistent',
    conffiles: {
      'default/lorikeet-exporter': 'manifests/systemd/lorikeet-exporter.default',
      'lorikeet/targets.yaml': 'manifests/systemd/targets.yaml',
    },
  },
  scorer: {
    name: 'lorikeet-scorer',
    title: 'Lorikeet scorer',
    description: `anomaly scores and root causes of services, for Prometheus
 Reads the series of each service from Prometheus, scores it with one small
 autoencoder, explains the score, ranks root causes, and writes the result
 back to Prometheus.`,
    home: '/var/lib/lorikeet',
    conffiles: {
      'default/lorikeet-scorer': 'manifests/systemd/lorikeet-scorer.default',
      'lorikeet/scorer.yaml': 'manifests/scorer.yaml',
    },
  },
} as const satisfies Readonly<Record<string, DebPackage>>;

/** The oldest libraries that everything in the packages runs with; floor.test.ts compares this with the binaries. */
export const FLOOR = { glibc: '2.28', libstdcxx: '8' } as const;

const MAINTAINER = 'The Lorikeet authors <maintainers@lorikeet.dev>';

/** Debian's form of a version: a pre-release comes before its release. */
export function debVersion(version: string): string {
  return version.replace('-', '~');
}

export function control(deb: DebPackage, version: string, kibibytes: number): string {
  const depends = [
    'adduser',
    `libc6 (>= ${FLOOR.glibc})`,
    'libgcc-s1 | libgcc1',
    `libstdc++6 (>= ${FLOOR.libstdcxx})`,
  ].join(', ');
  return `Package: ${deb.name}
Version: ${debVersion(version)}
Architecture: ${architecture()}
Maintainer: ${MAINTAINER}
Installed-Size: ${kibibytes}
Depends: ${depends}
Section: net
Priority: optional
Homepage: https://lorikeet.dev
Description: ${deb.description}
`;
}

export interface DebSource {
  /** The program's folder, which becomes /usr/lib/<name>. */
  readonly tree: string;
  /** An empty folder to stage the package in. */
  readonly staging: string;
  readonly version: string;
  /** What the program prints for `--help`. */
  readonly help: string;
  /** Seconds since 1970. */
  readonly epoch: string;
}

/** Builds `file`, a .deb. */
export function buildDeb(file: string, deb: DebPackage, { tree, staging, version, help, epoch }: DebSource): void {
  const path = (...parts: readonly string[]): string => {
    const full = join(staging, ...parts);
    mkdirSync(dirname(full), { recursive: true, mode: 0o755 });
    return full;
  };
  const { name } = deb;
  cpSync(tree, path('usr/lib', name), { recursive: true });
  symlinkSync(`../lib/${name}/${name}`, path('usr/bin', name));
  cpSync(`manifests/systemd/${name}.service`, path('lib/systemd/system', `${name}.service`));
  for (const [etc, source] of Object.entries(deb.conffiles)) cpSync(source, path('etc', etc));
  if (deb.home.startsWith('/var/')) mkdirSync(path(deb.home), { mode: 0o755 });
  const documents = `usr/share/doc/${name}`;
  writeFileSync(path(documents, 'copyright'), copyright(name));
  writeFileSync(path(documents, 'changelog.gz'), gzipSync(changelog(name, version, epoch), { level: 9 }));
  writeFileSync(path('usr/share/man/man1', `${name}.1.gz`), gzipSync(manPage(deb, version, help), { level: 9 }));
  mkdirSync(path('usr/share/lintian/overrides'), { recursive: true });
  writeFileSync(path('usr/share/lintian/overrides', name), overrides(name));
  normalise(staging);

  const files = filesBelow(staging);
  const bytes = files.reduce((sum, entry) => sum + 1024 * Math.ceil(lstatSync(join(staging, entry)).size / 1024), 0);
  writeFileSync(path('DEBIAN/control'), control(deb, version, bytes / 1024));
  const conffiles = Object.keys(deb.conffiles).map((etc) => `/etc/${etc}\n`);
  writeFileSync(path('DEBIAN/conffiles'), conffiles.toSorted().join(''));
  const regular = files.filter((entry) => !entry.startsWith('etc/') && lstatSync(join(staging, entry)).isFile());
  writeFileSync(path('DEBIAN/md5sums'), regular.map((entry) => `${md5(join(staging, entry))}  ${entry}\n`).join(''));
  for (const script of ['postinst', 'prerm', 'postrm']) {
    writeFileSync(path('DEBIAN', script), maintainerScript(script, deb), { mode: 0o755 });
  }
  normalise(join(staging, 'DEBIAN'));
  // xz's output depends on the number of threads.
  const args = ['--root-owner-group', '-Zxz', '--threads-max=1', '--build', staging, file];
  execFileSync('dpkg-deb', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: epoch },
  });
}

export function maintainerScript(script: string, { name, title, home }: DebPackage): string {
  const template = readFileSync(join('scripts/package/debian', script), 'utf8');
  return template.replaceAll('@PACKAGE@', name).replaceAll('@TITLE@', title).replaceAll('@HOME@', home);
}

/** Modes as of a umask of 022, whatever the umask is. */
function normalise(folder: string): void {
  execFileSync('chmod', ['-R', 'u=rwX,go=rX', folder]);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((entry) => !lstatSync(join(folder, entry)).isDirectory())
    .toSorted();
}

function md5(file: string): string {
  return createHash('md5').update(readFileSync(file)).digest('hex');
}

function copyright(name: string): string {
  const licence = readFileSync('LICENSE', 'utf8').split('\n').slice(4);
  const text = licence
    .map((line) => ` ${line === '' ? '.' : line}`)
    .join('\n')
    .replace(/\n \.$/, '');
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Lorikeet
Source: https://lorikeet.dev
Comment: Node.js and npm packages are inside. Their licences are in
 /usr/lib/${name}/THIRD-PARTY-LICENSES.txt

Files: *
Copyright: 2026 The Lorikeet authors
License: Expat

License: Expat
${text}
`;
}

/** The manual page: the help, as it is. */
export function manPage({ name, description }: DebPackage, version: string, help: string): string {
  // A line that begins with a dot or an apostrophe would be a request, a backslash an escape.
  const text = help
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');
  const summary = description.split('\n')[0] ?? '';
  return `.TH ${name.toUpperCase()} 1 "" "Lorikeet ${version}"
.SH NAME
${name} \\- ${summary}
.SH DESCRIPTION
.nf
${text}.fi
.SH FILES
/etc/default/${name} has the arguments of the service, /etc/lorikeet its configuration.
`;
}

function changelog(name: string, version: string, epoch: string): string {
  const date = new Date(Number(epoch) * 1000).toUTCString().replace('GMT', '+0000');
  return `${name} (${debVersion(version)}) stable; urgency=medium

  * Release ${version}; CHANGELOG.md of the sources has the changes.

 -- ${MAINTAINER}  ${date}
`;
}

/**
 * Node.js is shipped as its project builds it: neither stripped nor with Debian's libraries. The launcher runs the
 * programs with it. A BPF object is for the kernel's own architecture.
 */
function overrides(name: string): string {
  const tags = [
    'binary-from-other-architecture',
    'embedded-library',
    'hardening-no-pie',
    'missing-dep-for-interpreter',
    'script-not-executable',
    'unstripped-binary-or-object',
  ];
  return tags.map((tag) => `${name}: ${tag} *usr/lib/${name}/*\n`).join('');
}
