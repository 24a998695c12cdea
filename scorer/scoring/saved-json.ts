import type { z } from 'zod';
import { FileError, readStateFile } from '../../daemon/files/read-file.ts';

/** A document, or the reason why its file is unusable; undefined if there is no such file. */
export type SavedJson<T> = { readonly document: T } | { readonly unusable: string } | undefined;

/**
 * Reads a JSON document that an earlier run has saved.
 *
 * @param misfit what a damaged file, or one of another version, is told to be
 */
export function readSavedJson<T extends z.ZodType>(path: string, schema: T, misfit: string): SavedJson<z.output<T>> {
  let bytes: Buffer | undefined;
  try {
    bytes = readStateFile(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return { unusable: error.message };
  }
  if (bytes === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(bytes.toString('utf8')));
  return parsed.success ? { document: parsed.data } : { unusable: `${path}: ${misfit}` };
}

/** A value; undefined if the text isn't JSON, which no schema of a document takes. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
