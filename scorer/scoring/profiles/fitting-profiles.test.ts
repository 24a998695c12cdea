import { describe, expect, it } from 'vitest';
import { SCORER_DEFAULTS } from '../../config.ts';
import { parseFeatures } from '../../features/features.ts';
import { fittingProfiles } from './fitting-profiles.ts';
import type { Profiles } from './profiles-file.ts';

const MINUTE = 60_000;
const SECOND = 1000;
const set = parseFeatures(
  'features.yaml',
  `windows: [1m, 5m, 15m]
features: [{ name: rate, scale: log, expr: 'a[$window]' }]
edges: [{ name: latency, scale: log, expr: 'b[$window]' }]
`,
);
const config = { interval: MINUTE, steps: [0, 1, 2], learning: { ...SCORER_DEFAULTS.learning, seasons: [] } };
const profile = {
  scalings: [],
  residual: [],
  deviation: [],
  threshold: 1,
  windows: 9,
  days: 7,
  from: 1000,
  to: 2439,
};
const saved: Profiles = {
  model: 'abc',
  features: ['rate'],
  edgeFeatures: ['latency'],
  windowsMs: set.windows,
  steps: config.steps,
  intervalMs: MINUTE,
  learnedAtMs: 2439 * MINUTE,
  services: new Map([['cart', profile]]),
  edges: new Map([['cart payment', []]]),
};

describe('fittingProfiles', () => {
  it('keeps what was learned with the same settings as it is', () => {
    const { profiles, misfits } = fittingProfiles(saved, 'abc', set, config);
    expect(misfits).toEqual([]);
    expect(profiles).toEqual(saved);
  });

  it.each([15 * SECOND, 30 * SECOND])(
    'keeps profiles of another interval, due to be learned again: %d ms',
    (interval) => {
      const { profiles, misfits } = fittingProfiles(saved, 'abc', set, { ...config, interval });
      expect(misfits.map(({ setting }) => setting)).toEqual(['interval']);
      expect(profiles?.intervalMs).toBe(interval);
      const { from, to, ...rest } = profiles!.services.get('cart')!;
      expect(to * interval).toBe(2439 * MINUTE);
      expect((to - from + 1) * interval).toBe(config.learning.minimum);
      expect(rest).toEqual({ scalings: [], residual: [], deviation: [], threshold: 1, windows: 9, days: 7 });
      expect(profiles?.edges.size).toBe(1);
    },
  );

  it('loses only the edges where the features of edges changed', () => {
    const { profiles, misfits } = fittingProfiles({ ...saved, edgeFeatures: ['old'] }, 'abc', set, config);
    expect(misfits.map(({ setting }) => setting)).toEqual(['edges']);
    expect(profiles?.services.size).toBe(1);
    expect(profiles?.edges.size).toBe(0);
  });

  it.each([
    ['model', { model: 'def' }],
    ['features', { features: ['other'] }],
    ['windows', { windowsMs: [1, 2, 3] }],
    ['steps', { steps: [0, 5] }],
  ])('says that it cannot use profiles of another setting: %s', (setting, other) => {
    const { profiles, misfits } = fittingProfiles({ ...saved, ...other }, 'abc', set, config);
    expect(profiles).toBeUndefined();
    expect(misfits.map((misfit) => misfit.setting)).toEqual([setting]);
  });
});
