import { describe, expect, it } from 'vitest';
import type { Profile } from './profiles/profile.ts';
import type { Reconstructor } from '../detectors/reconstructor.ts';
import { CHANNELS, EDGE_SERIES, type FeatureSet, parseFeatures, SERVICE_SERIES } from '../features/features.ts';
import { Fleet } from '../fleet/fleet.ts';
import type { Profiles } from './profiles/profiles-file.ts';
import type { RangeSeries } from '../prometheus/client.ts';
import type { CallEdge, Ranker, Suspect } from './ranking/root-cause.ts';
import { scoreFleet } from './score-fleet.ts';
import { Levels } from './experience/levels.ts';
import { Seasons } from './experience/seasons.ts';
import { Trends } from './experience/trends.ts';
import { edgeKey, serviceKey } from '../identity/service-key.ts';
import { NEUTRAL } from '../tensor/tensor.ts';
import { columnCount } from '../features/columns.ts';

const set: FeatureSet = parseFeatures(
  'features.yaml',
  `windows: [1s, 2s, 4s]
features:
  - { name: rate, expr: 'a[$window]', scale: log, signal: traffic }
  - { name: latency, expr: 'b[$window]', scale: log, signal: latency }
  - { name: memory, expr: 'c[$window]', scale: log, signal: saturation }
edges: [{ name: latency, expr: 'd[$window]', scale: log, signal: latency }]
`,
);
const shape = { features: set.features, steps: [0, 1] };
const columns = columnCount(set.features);
const flat: Reconstructor = { reconstruct: async (data) => new Float32Array(data.length).fill(NEUTRAL) };
const name = (service: string) => ({ namespace: 'shop', service });
const profile: Profile = {
  scalings: Array.from({ length: columns }, () => ({ center: 1, spread: 0.1 })),
  residual: Array<number>(columns).fill(2),
  deviation: Array<number>(columns).fill(2),
  threshold: 2,
  windows: 100,
  days: 7,
  from: 0,
  to: 99,
};

function profilesOf(...services: string[]): Profiles {
  return {
    model: '',
    features: [],
    edgeFeatures: [],
    windowsMs: [],
    steps: [],
    intervalMs: 1000,
    learnedAtMs: 0,
    services: new Map(services.map((service) => [serviceKey(name(service)), profile])),
    edges: new Map([[edgeKey(name('front'), name('cart')), [{ center: 1, spread: 0.1 }]]]),
  };
}

const series = (labels: Record<string, string>, value: number, at: number): RangeSeries => ({
  labels,
  timestamps: Float64Array.of((at - 1) * 1000, at * 1000),
  values: Float64Array.of(value, value),
});

function fleetOf(values: Readonly<Record<string, Readonly<Record<string, number>>>>, edgeLatency = 1, at = 10): Fleet {
  const fleet = new Fleet(set, 1000, 8);
  for (const [service, features] of Object.entries(values)) {
    for (const [feature, value] of Object.entries(features)) {
      for (const channel of CHANNELS) {
        fleet.addService(series({ __name__: SERVICE_SERIES, ...name(service), feature, channel }, value, at));
      }
    }
  }
  fleet.addEdge(
    series(
      {
        __name__: EDGE_SERIES,
        client_namespace: 'shop',
        client_service: 'front',
        server_namespace: 'shop',
        server_service: 'cart',
        feature: 'latency',
      },
      edgeLatency,
      at,
    ),
  );
  return fleet;
}

const calm = { rate: 1, latency: 1, memory: 1 };

describe('scoreFleet', () => {
  it('scores who is as usual with nearly nothing, and sees no incident', async () => {
    const result = await scoreFleet(
      shape,
      set,
      fleetOf({ front: calm, cart: calm }),
      10,
      profilesOf('front', 'cart'),
      flat,
    );
    expect(result.scores.map(({ score }) => score)).toEqual([0, 0]);
    expect(result.causes).toEqual([]);
    expect(result.missing).toBe(0);
  });

  it('explains a slow service and follows the slow edge to it', async () => {
    const fleet = fleetOf({ front: { ...calm, latency: 9 }, cart: { ...calm, latency: 9 } }, 9);
    const { scores, causes } = await scoreFleet(shape, set, fleet, 10, profilesOf('front', 'cart'), flat);
    for (const { score, shares } of scores) {
      // ln(9.02 / 1.02) / 0.1 = 21.8 deviations, over a residual of 2, averaged over two features, over a threshold of 2.
      expect(score).toBeCloseTo(21.8 / 2 / 2 / 2, 1);
      expect(shares[0]).toMatchObject({
        feature: 'latency',
        share: 1,
        usual: { low: expect.closeTo(0.845, 3) as number },
      });
    }
    expect(causes[0]).toMatchObject({ key: serviceKey(name('cart')), rank: 1 });
  });

  it("counts a service's own signals as evidence as far as its score goes, in full from the threshold on", async () => {
    const evidenceAt = async (memory: number) => {
      const seen: Suspect[] = [];
      const rank: Ranker = (suspects) => {
        seen.push(...suspects);
        return [];
      };
      const fleet = fleetOf({ cart: { ...calm, memory } });
      const options = { assumeIncident: true, rank };
      const { scores } = await scoreFleet(shape, set, fleet, 10, profilesOf('cart'), flat, options);
      return { score: scores[0]?.score, evidence: seen[0]?.evidence };
    };
    // ln(1.32 / 1.02) / 0.1 = 2.58 deviations, over a residual of 2.
    const off = 2.58 / 2;
    const score = off / 2 / 2;
    expect(await evidenceAt(1.3)).toEqual({
      score: expect.closeTo(score, 2) as number,
      evidence: expect.closeTo(score * Math.log2(1 + off), 2) as number,
    });
    const anomalous = await evidenceAt(9);
    expect(anomalous.score).toBeGreaterThan(1);
    expect(anomalous.evidence).toBeCloseTo(Math.log2(1 + 6), 6);
  });

  it('takes for failures what features.yaml calls so, whatever its name', async () => {
    const own = parseFeatures(
      'features.yaml',
      `windows: [1s, 2s, 4s]
features: [{ name: rate, expr: 'a[$window]', scale: log }]
edges:
  - { name: refused, expr: 'b[$window]', scale: log, signal: errors, failure: true }
  - { name: failover_ms, expr: 'c[$window]', scale: log, signal: errors }
`,
    );
    const ends = {
      client_namespace: 'shop',
      client_service: 'front',
      server_namespace: 'shop',
      server_service: 'cart',
    };
    const scaling = { center: 1, spread: 0.1 };
    const edges = new Map([[edgeKey(name('front'), name('cart')), [scaling, scaling]]]);
    const callEdge = async (feature: string) => {
      const fleet = new Fleet(own, 1000, 8);
      fleet.addEdge(series({ ...ends, feature }, 9, 10));
      const seen: CallEdge[] = [];
      const rank: Ranker = (_, calls) => {
        seen.push(...calls);
        return [];
      };
      await scoreFleet(shape, own, fleet, 10, { ...profilesOf(), edges }, flat, { assumeIncident: true, rank });
      return seen[0];
    };
    expect(await callEdge('refused')).toMatchObject({ failures: expect.closeTo(21.8, 1), responses: 0 });
    expect(await callEdge('failover_ms')).toMatchObject({ failures: 0, responses: expect.closeTo(21.8, 1) });
  });

  it('hands what services are asked, and what calls are off by, to the ranking, over three steps and against what is usual', async () => {
    const own = parseFeatures(
      'features.yaml',
      `windows: [1s, 2s, 4s]
features:
  - { name: rate, expr: 'a[$window]', scale: log, signal: traffic, load: true }
  - { name: latency, expr: 'b[$window]', scale: log, signal: latency, unit: seconds, mean: true }
  - { name: memory, expr: 'c[$window]', scale: log }
edges:
  - { name: calls, expr: 'd[$window]', scale: log, signal: traffic, load: true }
  - { name: failed, expr: 'e[$window]', scale: ratio, signal: errors, unit: ratio, failure: true }
`,
    );
    const ends = {
      client_namespace: 'shop',
      client_service: 'front',
      server_namespace: 'shop',
      server_service: 'cart',
    };
    const fleet = new Fleet(own, 1000, 8);
    const over = (labels: Record<string, string>, before: number, now: number): RangeSeries => ({
      labels,
      timestamps: Float64Array.of(9000, 10_000),
      values: Float64Array.of(before, now),
    });
    for (const channel of CHANNELS) {
      for (const [feature, value] of Object.entries({ rate: 4, latency: 3, memory: 1 })) {
        fleet.addService(over({ ...name('cart'), feature, channel }, value - 1, value + 1));
      }
    }
    fleet.addEdge(over({ ...ends, feature: 'calls' }, 5, 7));
    fleet.addEdge(over({ ...ends, feature: 'failed' }, 0.25, 0.75));
    const scaling = { center: 0.25, spread: 0.1 };
    const edges = new Map([[edgeKey(name('front'), name('cart')), [scaling, scaling]]]);
    const seen: [readonly Suspect[], readonly CallEdge[]][] = [];
    const rank: Ranker = (suspects, calls) => {
      seen.push([suspects, calls]);
      return [];
    };
    const ownShape = { ...shape, features: own.features };
    const profiles = { ...profilesOf('cart'), edges };
    await scoreFleet(ownShape, own, fleet, 10, profiles, flat, { assumeIncident: true, rank });
    const [suspects, calls] = seen[0]!;
    // All figures of the service are usually 1, with a spread of 0.1; it is asked 4 times.
    expect(suspects[0]?.requests).toMatchObject({
      rate: 4,
      slower: 2,
      noise: { slower: expect.closeTo(0.4, 6) as number },
    });
    expect(calls[0]).toMatchObject({ counted: true, failedShare: expect.closeTo(2.5, 6) as number });
  });

  it('reports services that are learning or have no data, and counts missing values', async () => {
    const fleet = fleetOf({ new: calm, gone: {}, cart: { rate: 1, memory: 1 }, thin: { rate: 1 } });
    fleet.services.set(serviceKey(name('gone')), fleet.services.get(serviceKey(name('new')))!);
    const at = async (step: number) => await scoreFleet(shape, set, fleet, step, profilesOf('cart', 'thin'), flat);
    const now = await at(10);
    expect(now.states.get(serviceKey(name('new')))).toBe('learning');
    expect(now.states.get(serviceKey(name('cart')))).toBe('scored');
    expect(now.missing).toBe(3 + 6);
    const later = await at(12);
    expect([...later.states.values()]).toEqual(['no_data', 'no_data', 'no_data', 'no_data']);
    expect(later.scores).toEqual([]);
  });

  it("doesn't alarm about the nightly job again once it was seen, but about another time and another signal", async () => {
    const [day, night] = [1000, 5 * 1000 + 180];
    const seasons = new Seasons(set.features, [day]);
    const experience = { seasons, levels: new Levels(), trends: new Trends(set.features, 60) };
    const scoreAt = async (step: number, values: Readonly<Record<string, number>>) => {
      const fleet = fleetOf({ cart: { ...calm, ...values } }, 1, step);
      const { scores } = await scoreFleet(shape, set, fleet, step, profilesOf('cart'), flat, { experience });
      return scores[0]?.score ?? NaN;
    };
    const job = { memory: 6 };
    expect(await scoreAt(night, job)).toBeGreaterThan(1);
    expect(await scoreAt(night + 1, {})).toBeLessThan(1);
    expect(await scoreAt(night + day + 4, job)).toBeLessThan(1);
    expect(await scoreAt(night + day, { latency: 6 })).toBeGreaterThan(1);
    expect(await scoreAt(night + day + 300, job)).toBeGreaterThan(1);
    // What is tolerated is remembered all the same: the third night is as quiet as the second.
    expect(await scoreAt(night + 2 * day, job)).toBeLessThan(1);
  });

  it('tolerates the same fault at the same hour only if it was announced as expected', async () => {
    const [night, day] = [10_000, 1440];
    const secondNight = async (isExpected: () => boolean) => {
      const seasons = new Seasons(set.features, [day]);
      const experience = { seasons, levels: new Levels(), trends: new Trends(set.features, 60) };
      const scoreAt = async (step: number, latency: number) => {
        const fleet = fleetOf({ cart: { ...calm, latency } }, 1, step);
        const options = { experience, isExpected };
        const { scores } = await scoreFleet(shape, set, fleet, step, profilesOf('cart'), flat, options);
        return scores[0]?.score ?? NaN;
      };
      for (const step of [night, night + 1, night + 2]) expect(await scoreAt(step, 6)).toBeGreaterThan(1);
      expect(await scoreAt(night + 3, 1)).toBeLessThan(1);
      return await scoreAt(night + day, 6);
    };
    expect(await secondNight(() => false)).toBeGreaterThan(1);
    expect(await secondNight(() => true)).toBeLessThan(1);
  });

  it('scores nobody without a model', async () => {
    const result = await scoreFleet(shape, set, fleetOf({ cart: calm }), 10, profilesOf('cart'), undefined);
    expect(result.scores).toEqual([]);
    expect(result.states.get(serviceKey(name('cart')))).toBe('learning');
  });
});
