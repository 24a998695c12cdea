import { renameSync } from 'node:fs';

/**
 * Renames a file of the program's own that it cannot use, whatever it is, so that a new one takes its place and the old
 * one can be looked at. Replaces what was set aside before, unless that is a directory.
 *
 * @returns its new path; undefined if it stays where it is
 */
export function setAside(path: string): string | undefined {
  const aside = `${path}.unusable`;
  try {
    renameSync(path, aside);
    return aside;
  } catch {
    return undefined;
  }
}
