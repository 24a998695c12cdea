import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const UNKNOWN = 'unknown';

/**
 * Build information for `--version`, the same for two builds of a commit. The date comes from SOURCE_DATE_EPOCH
 * (https://reproducible-builds.org/specs/source-date-epoch/); without it there is none. Where there is no repository, as
 * in the build of an image, LORIKEET_REVISION has the commit.
 */
export function buildInfo(version = ownVersion(), environment = process.env) {
  const { branch, revision: known } = sourceOf('.');
  const revision = known === UNKNOWN ? environment.LORIKEET_REVISION || UNKNOWN : known;
  const epoch = environment.SOURCE_DATE_EPOCH;
  return { version, branch, revision, ...(epoch && { date: new Date(Number(epoch) * 1000).toISOString() }) };
}

/** Branch and commit of the repository with the root `folder`; with uncommitted changes `<commit>-modified`. */
export function sourceOf(folder) {
  const git = (...args) =>
    execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    // An archive of the sources may be unpacked inside another repository.
    if (git('rev-parse', '--show-prefix') !== '') throw new Error(`${folder} is not the root of a repository`);
    const modified = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '-modified';
    return { branch: git('rev-parse', '--abbrev-ref', 'HEAD'), revision: git('rev-parse', 'HEAD') + modified };
  } catch {
    return { branch: UNKNOWN, revision: UNKNOWN };
  }
}

function ownVersion() {
  return JSON.parse(readFileSync('package.json', 'utf8')).version;
}
