import { readFileSync } from 'node:fs';
import type { z } from 'zod';

/** A document, or the reason why its file is unusable; undefined if there is no such file. */
export type SavedJson<T> = { readonly document: T } | { readonly unusable: string } | undefined;

/**
 * Reads a JSON document that an earlier run has saved.
 *
 * @param misfit what a damaged file, or one of another version, is told to be
 */
export function readSavedJson<T extends z.ZodType>(path: string, schema: T, misfit: string): SavedJson<z.output<T>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : { unusable: (error as Error).message };
  }
  const parsed = schema.safeParse(parseJson(text));
  return parsed.success ? { document: parsed.data } : { unusable: `${path}: ${misfit}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
