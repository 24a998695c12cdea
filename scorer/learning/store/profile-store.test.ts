import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { profilesOrigin, ProfileStore } from './profile-store.ts';
import { loadProfiles, type Profiles } from '../../scoring/profiles/profiles-file.ts';
import { edgeKey, serviceKey } from '../../identity/service-key.ts';

const DAY = 1440;
const name = (service: string) => ({ namespace: 'shop', service });
const key = (service: string) => serviceKey(name(service));
const edge = (client: string, server: string) => edgeKey(name(client), name(server));
const profile = (to: number) => ({
  scalings: [],
  residual: [],
  deviation: [],
  threshold: 1,
  windows: 9,
  days: 7,
  from: 0,
  to,
});

describe('ProfileStore', () => {
  it('keeps what is fresh, renews what was learned, forgets what is gone, and saves it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lorikeet-learned-'));
    const path = join(folder, 'models', 'profiles.json');
    const config = { interval: 60_000, steps: [0, 1] };
    const set = { features: [], edges: [], pods: [], endpoints: [], windows: [1, 2, 3] };
    const origin = profilesOrigin(config, set, 'abc', 20 * DAY * 60_000);
    const known = {
      services: new Map([
        [key('cart'), profile(20 * DAY - 60)],
        [key('weekly'), profile(13 * DAY)],
        [key('gone'), profile(11 * DAY)],
        [key('old but there'), profile(11 * DAY)],
      ]),
      edges: new Map([
        [edge('cart', 'weekly'), []],
        [edge('cart', 'old but there'), []],
        [edge('gone', 'external'), []],
        [edge('new', 'weekly'), []],
      ]),
    } as unknown as Profiles;
    const store = new ProfileStore(path, origin, known);
    store.add({
      services: new Map([[key('new'), profile(20 * DAY)]]),
      edges: new Map([[edge('new', 'cart'), [undefined]]]),
    });
    store.forget(new Set([key('cart'), key('new'), key('old but there')]), new Set([key('new')]));
    await store.save();
    const saved = loadProfiles(path);
    rmSync(folder, { recursive: true });
    expect(store.renewed).toEqual({ services: 1, edges: 1 });
    expect(saved?.model).toBe('abc');
    expect([...(saved?.services.keys() ?? [])]).toEqual(['cart', 'weekly', 'old but there', 'new'].map(key));
    expect([...(saved?.edges.keys() ?? [])]).toEqual([
      edge('cart', 'weekly'),
      edge('cart', 'old but there'),
      edge('new', 'cart'),
    ]);
  });
});
