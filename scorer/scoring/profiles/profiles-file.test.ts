import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadProfiles, type Profiles, ProfilesError, saveProfiles } from './profiles-file.ts';
import { edgeKey, serviceKey } from '../../identity/service-key.ts';

const cart = { namespace: 'shop', service: 'cart "x"/..' };
const profiles: Profiles = {
  model: 'abc',
  features: ['a', 'b'],
  edgeFeatures: ['e'],
  windowsMs: [1000, 2000, 4000],
  steps: [0, 1],
  intervalMs: 1000,
  learnedAtMs: 5,
  services: new Map([
    [
      serviceKey(cart),
      {
        scalings: [
          { center: 1, spread: 0.5 },
          undefined,
          { center: 2, spread: 0.5, drifts: { low: -1.5, high: 0.25 } },
          { center: 3, spread: 0.5, response: { slope: 0.9, uncertainty: 0.01 } },
        ],
        residual: [2, NaN, 1, 1],
        deviation: [0.1, NaN, 1, 1],
        threshold: 3,
        windows: 7,
        days: 7,
        from: 10,
        to: 16,
      },
    ],
  ]),
  edges: new Map([[edgeKey(cart, cart), [undefined]]]),
};

describe('profiles', () => {
  let path: string;
  beforeEach(() => void (path = join(mkdtempSync(join(tmpdir(), 'lorikeet-profiles-')), 'profiles.json')));
  afterEach(() => rmSync(join(path, '..'), { recursive: true }));

  it('come back as they were saved, columns of which nothing is known included', async () => {
    await saveProfiles(path, profiles);
    expect(loadProfiles(path)).toEqual(profiles);
  });

  it('are absent when there is no file', () => expect(loadProfiles(path)).toBeUndefined());

  it.each([
    ['altered', (text: string) => text.replace('"threshold":3', '"threshold":9')],
    ['cut off', (text: string) => text.slice(0, -40)],
    ['empty', () => ''],
  ])('that were %s are refused by name', async (_, damage) => {
    await saveProfiles(path, profiles);
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    expect(() => loadProfiles(path)).toThrow(ProfilesError);
    expect(() => loadProfiles(path)).toThrow(path);
  });
});
