import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { archive, sha256 } from './archive.ts';
import { buildDeb, control, DEB_PACKAGES, debVersion, maintainerScript, manPage } from './deb.ts';

/* With a small program in place of the real ones; test/packages has those. */

const EPOCH = '1700000000';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-deb-'));
  mkdirSync(join(folder, 'tree/bin'), { recursive: true });
  writeFileSync(join(folder, 'tree/bin/node'), 'node');
  writeFileSync(join(folder, 'tree/lorikeet-scorer'), 'launcher', { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const dpkgDeb = (...args: readonly string[]) => execFileSync('dpkg-deb', args, { encoding: 'utf8' });

function build(name: string): string {
  const file = join(folder, `${name}.deb`);
  const source = {
    tree: join(folder, 'tree'),
    staging: join(folder, name),
    version: '1.2.3-rc.1',
    help: 'usage: lorikeet-scorer',
    epoch: EPOCH,
  };
  buildDeb(file, DEB_PACKAGES.scorer, source);
  return file;
}

test('a package has the program, its unit, its configuration and its state, all of root', () => {
  const file = build('one');
  const listed = dpkgDeb('--contents', file).trim().split('\n');
  const paths = listed.map((line) => line.replace(/^(\S+) (\S+) +\d+ \S+ \S+ \./, '$1 $2 '));
  for (const expected of [
    '-rwxr-xr-x root/root /usr/lib/lorikeet-scorer/lorikeet-scorer',
    '-rw-r--r-- root/root /usr/lib/lorikeet-scorer/bin/node',
    'lrwxrwxrwx root/root /usr/bin/lorikeet-scorer -> ../lib/lorikeet-scorer/lorikeet-scorer',
    '-rw-r--r-- root/root /lib/systemd/system/lorikeet-scorer.service',
    '-rw-r--r-- root/root /etc/lorikeet/scorer.yaml',
    'drwxr-xr-x root/root /var/lib/lorikeet/',
    '-rw-r--r-- root/root /usr/share/doc/lorikeet-scorer/copyright',
  ]) {
    expect(paths).toContain(expected);
  }
  expect(dpkgDeb('--info', file, 'conffiles')).toBe('/etc/default/lorikeet-scorer\n/etc/lorikeet/scorer.yaml\n');
  expect(dpkgDeb('--field', file, 'Version')).toBe('1.2.3~rc.1\n');
  expect(listed.every((line) => line.includes(' 2023-11-14 22:13 '))).toBe(true);
});

test('it is the same under another umask', () => {
  const first = build('two');
  const before = process.umask(0o077);
  try {
    expect(sha256(build('three'))).toBe(sha256(first));
  } finally {
    process.umask(before);
  }
});

test('the manual has the help, whatever begins a line', () => {
  const page = manPage(DEB_PACKAGES.exporter, '1.2.3', "usage: x\n  --flag  a\\b\n.x\n'y\n");
  const shown = execFileSync('nroff', ['-man', '-Tascii'], { input: page, encoding: 'utf8' });
  expect(shown).toMatch(/usage: x\n +--flag {2}a\\b\n +\.x\n +'y\n/);
});

test('a pre-release comes before its release', () => {
  expect(debVersion('0.1.0-rc.1')).toBe('0.1.0~rc.1');
  execFileSync('dpkg', ['--compare-versions', debVersion('0.1.0-rc.1'), 'lt', debVersion('0.1.0')]);
});

test('control has what dpkg needs, and no placeholder is left in a script', () => {
  expect(control(DEB_PACKAGES.exporter, '1.2.3', 7)).toMatch(
    /^Package: lorikeet-exporter\nVersion: 1\.2\.3\nArchitecture: \w+\nMaintainer: .+\nInstalled-Size: 7\nDepends: adduser, libc6 \(>= 2\.28\), /,
  );
  for (const script of ['postinst', 'prerm', 'postrm']) {
    for (const deb of Object.values(DEB_PACKAGES)) expect(maintainerScript(script, deb)).not.toContain('@');
  }
});

test('an archive does not depend on times, modes and the order of files', () => {
  const make = (name: string, files: readonly string[], mode: number): string => {
    mkdirSync(join(folder, name, 'x'), { recursive: true });
    for (const file of files) writeFileSync(join(folder, name, 'x', file), file, { mode });
    archive(join(folder, `${name}.tar.gz`), join(folder, name), 'x', EPOCH);
    return sha256(join(folder, `${name}.tar.gz`));
  };
  const first = make('first', ['a', 'b', 'C'], 0o644);
  expect(make('second', ['C', 'b', 'a'], 0o600)).toBe(first);
  expect(make('third', ['a', 'b', 'c'], 0o644)).not.toBe(first);
});
