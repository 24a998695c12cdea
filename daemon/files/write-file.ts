import { writeFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';

/**
 * A file cannot be written. The message names it and says why, and nothing that another try of the same would say
 * otherwise, such as a temporary file's name.
 */
export class WriteError extends Error {
  readonly code = 'WRITE';
  override readonly name = 'WriteError';

  constructor(path: string, error: unknown) {
    super(`${path}: not writable: ${reasonOf(error)}`);
  }
}

/** Such as "ENOSPC: no space left on device", without the call and the path that Node.js adds. */
function reasonOf(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  const [code, reason] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  return code === undefined ? message : `${code}: ${reason}`;
}

/** Writes a command's result to a file. @throws WriteError */
export function writeTextFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new WriteError(path, error);
  }
}
