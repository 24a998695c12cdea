import * as z from 'zod';

export const textSchema = z.string('expected a string').min(1, 'expected a non-empty string');
export const fileSchema = z.string('expected a file name').min(1, 'expected a file name');
export const flagSchema = z.boolean('expected true or false');

/** `message` if more than one of `keys` is set. */
export function atMostOne<T extends object>(settings: T, keys: readonly (keyof T & string)[]): string | undefined {
  const set = keys.filter((key) => settings[key] !== undefined);
  return set.length > 1
    ? `expected ${set.join(' or ')}, not ${set.length === 2 ? 'both' : 'more than one'}`
    : undefined;
}
