import { describe, expect, it } from 'vitest';
import { columnCount } from '../../scorer/features/columns.ts';
import { CHANNELS, EDGE_SERIES, parseFeatures, SERVICE_SERIES } from '../../scorer/features/features.ts';
import { Fleet } from '../../scorer/fleet/fleet.ts';
import { edgeKey, serviceKey } from '../../scorer/identity/service-key.ts';
import { learnProfile } from '../../scorer/scoring/profiles/learn-profile.ts';
import { learnEdgeScalings } from '../../scorer/scoring/profiles/scalings.ts';
import { scoreFleet } from '../../scorer/scoring/score-fleet.ts';
import { NEUTRAL } from '../../scorer/tensor/tensor.ts';

/** What is below a feature's floor is nothing, from the raw value to the score. */

const MINUTE = 60_000;
const LEARNED = 60;
const CART = { namespace: 'shop', service: 'cart' };
const FRONT = { namespace: 'shop', service: 'front' };
const flat = { reconstruct: async (data: Float32Array) => new Float32Array(data.length).fill(NEUTRAL) };

/** The score, and whether the edge is evidence, at a value after an hour of `usual` values. */
async function judge(scale: string, floor: number, usual: (step: number) => number, value: number) {
  const feature = (name: string, more = '') =>
    `{ name: ${name}, scale: ${scale}, floor: ${floor}, signal: errors, expr: 'x[$window]'${more} }`;
  const set = parseFeatures(
    'features.yaml',
    `windows: [1m, 5m, 15m]\nfeatures: [${feature('one')}, ${feature('two')}]\nedges: [${feature('failures', ', failure: true')}]\n`,
  );
  const fleet = new Fleet(set, MINUTE, LEARNED + 2);
  const timestamps = Float64Array.from({ length: LEARNED + 1 }, (_, index) => (index + 1) * MINUTE);
  const values = timestamps.map((_, index) => (index < LEARNED ? usual(index) : value));
  for (const name of ['one', 'two']) {
    for (const channel of CHANNELS) {
      fleet.addService({ labels: { ...CART, __name__: SERVICE_SERIES, feature: name, channel }, timestamps, values });
    }
  }
  const ends = {
    client_namespace: FRONT.namespace,
    client_service: FRONT.service,
    server_namespace: CART.namespace,
    server_service: CART.service,
  };
  fleet.addEdge({ labels: { ...ends, __name__: EDGE_SERIES, feature: 'failures' }, timestamps, values });
  const shape = { features: set.features, steps: [0, 1] };
  const profile = await learnProfile(shape, fleet.services.get(serviceKey(CART))!, { from: 1, to: LEARNED }, flat);
  expect(profile.scalings).toHaveLength(columnCount(set.features));
  const edge = edgeKey(FRONT, CART);
  let failures = NaN;
  const { scores } = await scoreFleet(
    shape,
    set,
    fleet,
    LEARNED + 1,
    {
      model: '',
      features: [],
      edgeFeatures: [],
      windowsMs: [],
      steps: [],
      intervalMs: MINUTE,
      learnedAtMs: 0,
      services: new Map([
        [
          serviceKey(CART),
          { ...profile, threshold: Number.isFinite(profile.threshold) ? Math.max(1, profile.threshold) : 1 },
        ],
      ]),
      edges: new Map([[edge, learnEdgeScalings(set.edges, fleet.edges.get(edge)!, 1, LEARNED)]]),
    },
    flat,
    {
      assumeIncident: true,
      rank: (_, edges) => {
        failures = edges[0]?.failures ?? NaN;
        return [];
      },
    },
  );
  return { score: scores[0]?.score ?? NaN, failures };
}

describe.each([
  ['log', 10],
  ['linear', 10],
  ['ratio', 0.1],
])('of a %s feature with a floor of %d', (scale, floor) => {
  it.each([
    ['nothing', () => 0],
    ['little', (step: number) => (((step * 7) % 10) / 10) * floor],
  ])('%s was usual', async (_, usual) => {
    for (const share of [0.1, 0.5, 1]) {
      const { score, failures } = await judge(scale, floor, usual, share * floor);
      expect(score, `${share} of the floor`).toBeLessThan(0.01);
      expect(failures).toBeCloseTo(0, 6);
    }
    const { score, failures } = await judge(scale, floor, usual, 9 * floor);
    expect(score).toBeGreaterThan(1);
    expect(failures).toBeGreaterThan(3);
  });

  it('a usual value far above it falls to nothing', async () => {
    const { score } = await judge(scale, floor, () => 8 * floor, 0);
    expect(score).toBeGreaterThan(1);
  });
});
