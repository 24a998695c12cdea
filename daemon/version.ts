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

const PLATFORM = `${process.platform}/${process.arch}`;

/** The version of the running program. */
export const VERSION = BUILD.version;

/** Labels of a program's metric `build_info`: what `--version` prints, without the date. */
export function buildLabels({ version, branch, revision }: Build = BUILD): Readonly<Record<string, string>> {
  return { version, branch, revision, node_version: process.version, platform: PLATFORM };
}

/** The text of `--version`, in the form of Prometheus' programs. */
export function renderVersion(program: string, build: Build = BUILD): string {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['build date', build.date],
    ['node version', process.version],
    ['platform', PLATFORM],
  ];
  const lines = rows
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `  ${`${key}:`.padEnd(18)}${value}\n`);
  return `${program}, version ${build.version} (branch: ${build.branch}, revision: ${build.revision})\n${lines.join('')}`;
}
