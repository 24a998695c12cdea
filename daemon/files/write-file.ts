import { writeFileSync } from 'node:fs';

/** A file cannot be written. The message names it, the cause says why: not every error of Node.js names the file. */
export class WriteError extends Error {
  readonly code = 'WRITE';
  override readonly name = 'WriteError';

  constructor(path: string, cause: unknown) {
    super(`${path}: not writable`, { cause });
  }
}

/** Writes a command's result to a file. @throws WriteError */
export function writeTextFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new WriteError(path, error);
  }
}
