import { describe, expect, it } from 'vitest';
import { parseFeatures } from '../features/features.ts';
import { Identity } from '../identity/identity.ts';
import { Fleet, MAX_OF } from './fleet.ts';

const set = parseFeatures(
  'features.yaml',
  `windows: [1m, 5m, 15m]
features: [{ name: cpu, expr: 'c[$window]', scale: log }, { name: rate, expr: 'r[$window]', scale: log }]
edges: [{ name: rate, expr: 'e[$window]', scale: log }]
pods: [{ name: cpu, expr: 'p[$window]', scale: log }]
`,
);
const MINUTE = 60_000;
const series = (labels: Readonly<Record<string, string>>, value: number, steps = [1, 2, 3]) => ({
  labels,
  timestamps: Float64Array.from(steps, (step) => step * MINUTE),
  values: new Float64Array(steps.length).fill(value),
});
const cart = { namespace: 'shop', service: 'cart', feature: 'cpu', channel: 'red' };
const edge = { client_namespace: 'shop', client_service: 'cart', server_namespace: 'shop', server_service: 'db' };
const fleetOf = (...labels: string[]) => new Fleet(set, MINUTE, 10, undefined, new Identity(labels));
const valuesOf = (fleet: Fleet) => [...fleet.services].map(([key, history]) => [key, history.get(2, 0)]);

describe('services of two clusters', () => {
  it('are apart by the labels of the identity', () => {
    const fleet = fleetOf('cluster');
    for (const [cluster, value] of [
      ['a', 1],
      ['b', 9],
    ] as const) {
      fleet.addService(series({ ...cart, cluster }, value));
      fleet.addEdge(series({ ...edge, cluster, feature: 'rate' }, value));
      fleet.addPod(series({ ...cart, cluster, pod: 'cart-0' }, value));
      fleet.addVersion(series({ namespace: 'shop', cluster, pod: 'cart-0', version: `v${value}` }, 1));
    }
    expect(valuesOf(fleet)).toEqual([
      ['["shop","cart",{"cluster":"a"}]', 1],
      ['["shop","cart",{"cluster":"b"}]', 9],
    ]);
    expect([...fleet.edges].map(([, history]) => history.get(2, 0))).toEqual([1, 9]);
    expect([...fleet.pods].map(([, history]) => history.get(2, 0))).toEqual([1, 9]);
    expect([...fleet.versions.values()]).toEqual(['v1', 'v9']);
    fleet.forgetBefore(1);
    expect(fleet.versions.size).toBe(2);
    expect(fleet.rejected.take()).toEqual([]);
  });

  it('are refused where they have one name, in any order, with all values of these steps', () => {
    const fleet = fleetOf();
    fleet.addService(series({ ...cart, feature: 'rate', cluster: 'a' }, 5));
    fleet.addService(series({ ...cart, cluster: 'a' }, 1));
    fleet.addService(series({ ...cart, cluster: 'b' }, 9, [2, 3, 4]));
    const [history] = fleet.services.values();
    expect([1, 2, 3, 4].map((step) => history?.observed(step))).toEqual([2, 0, 0, 1]);
    expect(history?.get(4, 0)).toBe(9);
    expect(fleet.rejected.take()).toEqual([{ reason: 'duplicate', count: 1, example: { ...cart, cluster: 'b' } }]);
    // The next cycles, with one series after the other.
    fleet.addService(series({ ...cart, cluster: 'a' }, 1, [5]));
    fleet.addService(series({ ...cart, cluster: 'b' }, 1, [5]));
    expect(fleet.rejected.take()).toHaveLength(1);
    fleet.addService(series({ ...cart, cluster: 'b' }, 1, [6]));
    expect(fleet.rejected.take()).toEqual([]);
  });

  it('are refused as edges and pods, too', () => {
    const fleet = fleetOf('environment');
    for (const cluster of ['a', 'b']) {
      fleet.addEdge(series({ ...edge, cluster, feature: 'rate' }, 1));
      fleet.addPod(series({ ...cart, cluster, pod: 'cart-0' }, 1));
    }
    expect(fleet.rejected.take()).toMatchObject([{ reason: 'duplicate', count: 2 }]);
  });

  it('a series that is read again, or continues another one, is no second one', () => {
    const fleet = fleetOf();
    fleet.addService(series({ ...cart, prometheus: 'x' }, 1, [1, 2, 3]));
    fleet.addService(series({ ...cart, prometheus: 'x' }, 2, [2, 3]));
    fleet.addService(series({ ...cart, prometheus: 'y' }, 3, [4, 5]));
    fleet.addService(series({ ...cart, prometheus: 'x' }, 4, [3]));
    expect(fleet.rejected.take()).toEqual([]);
    const [history] = fleet.services.values();
    expect([1, 2, 3, 4].map((step) => history?.get(step, 0))).toEqual([1, 2, 4, 3]);
  });

  it('a series of a service that has a label of pods is a second one', () => {
    const fleet = fleetOf();
    for (const pod of ['cart-0', 'cart-1']) fleet.addService(series({ ...cart, pod }, 1));
    expect(fleet.rejected.take()).toMatchObject([{ reason: 'duplicate' }]);
  });
});

it('uses services that lack a label of the identity, and shows one', () => {
  const fleet = fleetOf('cluster');
  fleet.addService(series({ ...cart, cluster: 'a' }, 1));
  expect(fleet.rejected.takePartial()).toBeUndefined();
  fleet.addService(series({ ...cart, pod: 'x' }, 1));
  expect(fleet.rejected.takePartial()).toEqual({ ...cart, pod: 'x' });
  expect(fleet.rejected.takePartial()).toBeUndefined();
  expect(fleet.services.size).toBe(2);
});

it('counts what it cannot use', () => {
  const fleet = fleetOf();
  fleet.addService(series({ service: 'cart', feature: 'cpu', channel: 'red' }, 1));
  fleet.addService(series({ service: 'db', feature: 'cpu', channel: 'red' }, 1));
  fleet.addService(series({ ...cart, feature: 'none' }, 1));
  fleet.addEdge(series({ ...edge, server_service: '', feature: 'rate' }, 1));
  fleet.addVersion(series({ pod: 'x', version: 'v1' }, 1));
  expect(fleet.rejected.take()).toEqual([
    { reason: 'no_identity', count: 4, example: { service: 'cart', feature: 'cpu', channel: 'red' } },
    { reason: 'unknown_feature', count: 1, example: { ...cart, feature: 'none' } },
  ]);
  expect(fleet.services.size).toBe(0);
});

it('takes no more services than fit, and keeps those that it knows', () => {
  const fleet = fleetOf();
  for (let count = 0; count <= MAX_OF.services; count++) {
    fleet.addService(series({ ...cart, service: `s${count}` }, 1, [1]));
  }
  fleet.addService(series({ ...cart, service: 's0' }, 2, [2]));
  expect(fleet.services.size).toBe(MAX_OF.services);
  expect(fleet.services.get('["shop","s0"]')?.get(2, 0)).toBe(2);
  expect(fleet.rejected.take()).toMatchObject([{ reason: 'too_many', count: 1, example: { service: 's50000' } }]);
});
