import { describe, expect, it } from 'vitest';
import { CHANNELS, type FeatureSet, parseFeatures } from '../../features/features.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { edgeKey, serviceKey } from '../../identity/service-key.ts';
import { AnnouncedHistory } from '../../announced/scopes.ts';
import { clean } from './clean.ts';

const MINUTE = 60_000;
const config = { interval: MINUTE, learning: { minimum: 15 * MINUTE } };
const set: FeatureSet = parseFeatures(
  'features.yaml',
  `windows: [1m, 5m, 15m]
features: [{ name: rate, expr: 'a[$window]', scale: log }]
edges: [{ name: latency, expr: 'b[$window]', scale: log }]
`,
);
const name = (service: string) => ({ namespace: 'shop', service });
const key = (service: string) => serviceKey(name(service));
const cartToOld = edgeKey(name('cart'), name('old'));

/** `cart` and `old` are there from step 0 on, `young` from step 86; all up to 99, with an edge from cart to old. */
function fleet(): Fleet {
  const all = new Fleet(set, MINUTE, 200);
  const since = (first: number) => {
    const timestamps = Float64Array.from({ length: 100 - first }, (_, index) => (first + index) * MINUTE);
    return { timestamps, values: timestamps.map(() => 1) };
  };
  for (const [service, first] of [
    ['old', 0],
    ['cart', 0],
    ['young', 86],
  ] as const) {
    for (const channel of CHANNELS) {
      all.addService({ labels: { ...name(service), feature: 'rate', channel }, ...since(first) });
    }
  }
  const labels = { client_namespace: 'shop', client_service: 'cart', server_namespace: 'shop', server_service: 'old' };
  all.addEdge({ labels: { ...labels, feature: 'latency' }, ...since(0) });
  return all;
}

describe('clean', () => {
  const maintenance = new AnnouncedHistory();

  it('leaves out the first steps, services that are younger than the minimum, and holds the last quarter out', () => {
    const { services, edges } = clean(fleet(), { anomalous: new Map(), maintenance }, config, 99 * MINUTE);
    expect(services.map(({ key: of, from, to, heldOutFrom }) => ({ key: of, from, to, heldOutFrom }))).toEqual([
      { key: key('cart'), from: 2, to: 99, heldOutFrom: 75 },
      { key: key('old'), from: 2, to: 99, heldOutFrom: 75 },
    ]);
    expect(edges).toMatchObject([{ key: cartToOld, from: 2, to: 99 }]);
  });

  it('makes the time missing in which a service or an end of an edge was anomalous', () => {
    const anomalous = new Map([[key('cart'), [50, 51]]]);
    const { services, edges } = clean(fleet(), { anomalous, maintenance }, config, 99 * MINUTE);
    const observedAt = (step: number) => [...services, ...edges].map(({ history }) => history.observed(step));
    expect(observedAt(49)).toEqual([3, 3, 1]);
    expect(observedAt(50)).toEqual([0, 3, 0]);
    expect(observedAt(51)).toEqual([0, 3, 0]);
    expect(observedAt(52)).toEqual([3, 3, 1]);
  });
});
