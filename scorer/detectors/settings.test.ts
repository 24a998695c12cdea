import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DETECTOR_NAMES, detectorsSchema } from './settings.ts';

const DOCUMENT = readFileSync('docs/detectors.md', 'utf8');

/** The section of a detector in the document. */
const sectionOf = (name: string): string => DOCUMENT.split(`\n## ${name}\n`)[1]?.split('\n## ')[0] ?? '';

/** Setting -> default, of a section's table. */
const documented = (name: string): Record<string, string> =>
  Object.fromEntries(
    [...sectionOf(name).matchAll(/^\| `(\w+)` \|([^|]*)\|/gm)].map(([, key = '', value = '']) => [key, value.trim()]),
  );

const shown = (value: unknown): string => {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, of]) => `${key}: ${String(of)}`)
    .join(', ');
};

/** The defaults of a detector; undefined for one that the configuration can't name yet. */
function defaultsOf(name: string): object | undefined {
  const { data } = detectorsSchema.safeParse({ autoencoder: {}, [name]: {} });
  return data === undefined ? undefined : data[name as keyof typeof data];
}

const own = DETECTOR_NAMES.filter((name) => name !== 'agreement');

describe('docs/detectors.md', () => {
  it.each(DETECTOR_NAMES)('has a section for %s', (name) => {
    expect(sectionOf(name)).not.toBe('');
  });

  it.each(own.filter((name) => defaultsOf(name) !== undefined))(
    'has the settings of %s with their defaults',
    (name) => {
      const defaults = Object.entries(defaultsOf(name) ?? {}).map(([key, value]) => [key, shown(value)]);
      expect(documented(name)).toEqual(Object.fromEntries(defaults));
    },
  );

  it('has the settings of agreement', () => {
    const { data } = detectorsSchema.safeParse({
      autoencoder: {},
      gru_vae: {},
      agreement: { of: ['autoencoder', 'gru_vae'] },
    });
    expect(documented('agreement')).toEqual({ of: '', at_least: String(data?.agreement?.at_least) });
  });
});
