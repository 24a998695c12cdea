/** Build information in a bundle, from scripts/bundle/build-info.mjs. */
export interface Build {
  readonly version: string;
  readonly branch: string;
  readonly revision: string;
  /** RFC 3339. */
  readonly date?: string;
}

/** Set when a program is bundled. */
declare const LORIKEET_BUILD: Build | undefined;

const BUILD: Build =
  typeof LORIKEET_BUILD === 'undefined'
    ? { version: 'development', branch: 'unknown', revision: 'unknown' }
    : LORIKEET_BUILD;

/** The version of the running program. */
export const VERSION = BUILD.version;

/** The text of `--version`, in the form of Prometheus' programs. */
export function renderVersion(program: string, build: Build = BUILD): string {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['build date', build.date],
    ['node version', process.version],
    ['platform', `${process.platform}/${process.arch}`],
  ];
  const lines = rows
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `  ${`${key}:`.padEnd(18)}${value}\n`);
  return `${program}, version ${build.version} (branch: ${build.branch}, revision: ${build.revision})\n${lines.join('')}`;
}
