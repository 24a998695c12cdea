import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageName } from '../../scripts/images/archives.ts';

/* The files of a release, which `npm run package` has made. */

export const OUT = 'build/package';
export const PROGRAMS = ['lorikeet-exporter', 'lorikeet-scorer'] as const;
export type Program = (typeof PROGRAMS)[number];

const fileOf = (pattern: RegExp): string => {
  const [name, another] = readdirSync(OUT).filter((file) => pattern.test(file));
  if (name === undefined || another !== undefined) throw new Error(`${OUT}: expected one file like ${pattern}`);
  return join(OUT, name);
};
export const debOf = (program: Program) => fileOf(new RegExp(`^${program}_.*\\.deb$`));
export const archiveOf = (program: Program) => fileOf(new RegExp(`^${program}-.*\\.tar\\.gz$`));
export const imageOf = (image: ImageName) => fileOf(new RegExp(`^lorikeet-${image}-image-.*\\.tar$`));

/** A package as an earlier version had it: with another default in a file that the user did not edit. */
export function olderDeb(program: Program, folder: string): string {
  const staging = join(folder, `${program}-old`);
  execFileSync('dpkg-deb', ['-R', debOf(program), staging]);
  const control = join(staging, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, 'Version: 0.0.1~rc.1'));
  const defaults = join(staging, 'etc/default', program);
  writeFileSync(defaults, `# An earlier default.\n${readFileSync(defaults, 'utf8')}`);
  const file = join(folder, `${program}_0.0.1_old.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', staging, file], { stdio: 'ignore' });
  rmSync(staging, { recursive: true });
  return file;
}
