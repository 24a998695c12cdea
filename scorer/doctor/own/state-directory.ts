import { access, constants, mkdtemp, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Check, error, type Finding, ok, warning } from '../check.ts';

/** Models, profiles and seasons of a large fleet take some megabytes, each of them twice while it is replaced. */
const MIN_FREE_BYTES = 64 * 1024 * 1024;

/** The state directory. What is learned there is lost at the next start if it cannot be written. */
export const stateDirectory: Check = {
  name: 'state_dir',
  about: '`state_dir` can be written, and has space left',
  queries: false,
  run: async ({ config }) => [await findingOf(config.state_dir)],
};

async function findingOf(path: string): Promise<Finding> {
  const at = await firstExisting(path);
  try {
    // A directory that does not exist yet is left to the scorer: its owner matters.
    if (!(await stat(at)).isDirectory()) throw notDirectory(at);
    if (at === path) await rmdir(await mkdtemp(join(path, '.doctor-')));
    else await access(at, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(at);
    const free = bavail * bsize;
    if (free < MIN_FREE_BYTES) {
      const left = `${Math.floor(free / 1024 / 1024)} MiB`;
      return warning(`${path} has ${left} left`, 'free at least 64 MiB, or set state_dir to another file system');
    }
    return ok(at === path ? `${path} can be written` : `${path} will be created`);
  } catch (failure) {
    const { code = '' } = failure as NodeJS.ErrnoException;
    const user = process.getuid?.();
    const whom = user === undefined ? '' : ` by this user (${user})`;
    const remedy: Readonly<Record<string, string>> = {
      ENOSPC: 'free space on its file system',
      EROFS: 'mount its file system read-write, or set state_dir to another',
      ENOTDIR: 'set state_dir to a directory',
    };
    return error(
      `${path} cannot be written${whom}: ${code}`,
      remedy[code] ?? 'make it writable for the user that runs the scorer, or set state_dir to another directory',
    );
  }
}

function notDirectory(path: string): Error {
  return Object.assign(new Error(`${path} is no directory`), { code: 'ENOTDIR' });
}

/** The path itself, or the nearest directory above it that exists. */
async function firstExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    try {
      await access(at, constants.F_OK);
      return at;
    } catch {
      if (at === dirname(at)) return at;
    }
  }
}
