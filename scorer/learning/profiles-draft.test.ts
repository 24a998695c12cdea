import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ScorerConfig } from '../config.ts';
import type { HistoryOptions } from '../fleet/past.ts';
import { Learned } from './profiles-draft.ts';
import { loadProfiles, type Profiles } from '../scoring/profiles-file.ts';
import { edgeKey, serviceKey } from '../identity/service-key.ts';

const DAY = 1440;
const name = (service: string) => ({ namespace: 'shop', service });
const key = (service: string) => serviceKey(name(service));
const edge = (client: string, server: string) => edgeKey(name(client), name(server));
const profile = (to: number) => ({ scalings: [], residual: [], deviation: [], threshold: 1, windows: 9, from: 0, to });

describe('Learned', () => {
  it('keeps what is fresh, renews what was learned, forgets what is gone, and saves it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lorikeet-learned-'));
    const config = { state_dir: folder, interval: 60_000, steps: [0, 1] } as unknown as ScorerConfig;
    const options = {
      config,
      set: { features: [], edges: [], windows: [1, 2, 3] },
      toMs: 20 * DAY * 60_000,
    } as unknown as HistoryOptions;
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
    const learned = new Learned(options, 'abc', known);
    learned.add(new Map([[key('new'), profile(20 * DAY)]]), new Map([[edge('new', 'cart'), [undefined]]]));
    learned.forget(new Set([key('cart'), key('new'), key('old but there')]), new Set([key('new')]));
    await learned.save();
    const saved = loadProfiles(join(folder, 'models', 'profiles.json'));
    rmSync(folder, { recursive: true });
    expect(saved?.model).toBe('abc');
    expect([...(saved?.services.keys() ?? [])]).toEqual(['cart', 'weekly', 'old but there', 'new'].map(key));
    expect([...(saved?.edges.keys() ?? [])]).toEqual([
      edge('cart', 'weekly'),
      edge('cart', 'old but there'),
      edge('new', 'cart'),
    ]);
  });
});
