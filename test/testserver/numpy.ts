import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** From the repository's folder, in which npm and vitest run. */
const FETCH = 'scripts/fetch-numpy.sh';

/** The Python interpreter that `scripts/fetch-numpy.sh` has made, with numpy; undefined where there is none. */
export function numpyInterpreter(): string | undefined {
  const path = execFileSync('bash', [FETCH, '--path'], { encoding: 'utf8' }).trim();
  return existsSync(join(dirname(path), '..', 'complete')) ? path : undefined;
}
