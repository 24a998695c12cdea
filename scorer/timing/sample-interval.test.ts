import { describe, expect, it } from 'vitest';
import { parseFeatures, readFeatures } from '../features/features.ts';
import { emptyWindows, windowAdvice, windowSelectors } from './sample-interval.ts';

const MINUTE = 60_000;
const set = parseFeatures(
  'features.yaml',
  `windows: [1m, 5m, 15m]
features:
  - { name: rate, scale: log, expr: 'sum by (namespace, service) (rate(requests_total{role="server"}[$window]))' }
  - { name: memory, scale: log, expr: 'avg_over_time(memory_bytes[$window])' }
edges: [{ name: rate, scale: log, expr: 'rate(edge_requests_total[$window])' }]
`,
);
const intervals = (ms: number) =>
  new Map([...set.features, ...set.edges].flatMap(windowSelectors).map(({ selector }) => [selector, ms]));

describe('windowSelectors', () => {
  it.each([
    ['rate(a_total[$window])', [['a_total', 2]]],
    [
      'avg_over_time(b{x="1"}[$window]) / rate(c[$window])',
      [
        ['b{x="1"}', 1],
        ['c', 2],
      ],
    ],
    ['increase({__name__="d",le=~"[0-9]{1,2}\\"}"}[$window])', [['{__name__="d",le=~"[0-9]{1,2}\\"}"}', 2]]],
    ['max_over_time(e[$window]) + rate (e[$window])', [['e', 2]]],
    ['f', []],
  ])('%s', (expr, expected) => {
    expect(windowSelectors({ expr }).map(({ selector, minSamples }) => [selector, minSamples])).toEqual(expected);
  });

  it('finds what each shipped feature reads', () => {
    const shipped = readFeatures('rules/features.yaml');
    for (const feature of [...shipped.features, ...shipped.edges, ...shipped.pods, ...shipped.endpoints]) {
      const found = windowSelectors(feature);
      expect(found.length, feature.name).toBeGreaterThan(0);
      for (const { selector } of found) expect(selector).toMatch(/^lorikeet_[a-z_]+(\{.+\})?$/);
    }
  });
});

describe('emptyWindows', () => {
  it.each([15_000, 30_000, 30_500])('finds none at a scrape interval of %d ms', (ms) => {
    expect(emptyWindows(set, intervals(ms))).toEqual([]);
  });

  it('finds the shortest window empty of rates at a scrape interval of a minute, not of averages', () => {
    expect(emptyWindows(set, intervals(MINUTE))).toEqual([
      { windowMs: MINUTE, features: ['rate'], others: true, scrapeIntervalMs: MINUTE },
    ]);
    expect(emptyWindows(set, intervals(45_000))).toHaveLength(1);
  });

  it('finds longer windows empty, too, and averages where there is no sample', () => {
    const found = emptyWindows(set, intervals(6 * MINUTE));
    expect(found.map(({ windowMs, features }) => [windowMs / MINUTE, features])).toEqual([
      [1, ['rate', 'memory']],
      [5, ['rate', 'memory']],
    ]);
  });

  it('says nothing of what has no samples', () => {
    expect(emptyWindows(set, new Map())).toEqual([]);
  });
});

it('windowAdvice names windows that fit', () => {
  const [empty] = emptyWindows(set, intervals(MINUTE));
  expect(windowAdvice(set, empty!)).toBe(
    'scrape at least every 15s, or set windows: [4m, 20m, 1h] in a features file and render its rules',
  );
  const wider = { ...set, windows: [4, 20, 60].map((minutes) => minutes * MINUTE) };
  expect(emptyWindows(wider, intervals(MINUTE))).toEqual([]);
});
