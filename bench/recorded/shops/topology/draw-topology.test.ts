import { expect, test } from 'vitest';
import { drawTopology } from './draw-topology.ts';
import { KINDS } from './topology.ts';

const SEEDS = [1, 2, 3];

test.each(SEEDS)(
  'seed %d: every call goes to a service that stands after its caller, but that of a worker to its queue',
  (seed) => {
    const { services } = drawTopology(seed);
    const order = new Map(services.map(({ name }, index) => [name, index]));
    expect(order.size).toBe(services.length);
    for (const [index, { kind, calls }] of services.entries()) {
      const others = calls.filter(({ server }) => kind !== 'worker' || !server.endsWith('-queue'));
      for (const { server } of others) expect(order.get(server)).toBeGreaterThan(index);
    }
  },
);

test.each([10, 25, 60])('a shop of %d services has as many, of every kind, one with many replicas', (size) => {
  for (const seed of SEEDS) {
    const { services } = drawTopology(seed, size);
    expect(services).toHaveLength(size);
    for (const kind of KINDS) expect(services.some((service) => service.kind === kind)).toBe(true);
    expect(Math.max(...services.map(({ replicas }) => replicas))).toBeGreaterThanOrEqual(5);
  }
});

test.each(SEEDS)('seed %d: all services but entries and jobs are asked, idle ones once in ten seconds', (seed) => {
  const { services } = drawTopology(seed);
  const rates = new Map(services.map(({ name, rate }) => [name, rate]));
  for (const { name, kind, calls } of services) {
    const rate = rates.get(name)!;
    if (kind !== 'worker') expect(rate).toBeGreaterThan(0);
    if (kind === 'idle') expect(rate).toBeCloseTo(0.1);
    if (kind === 'job') continue;
    for (const { server, each } of calls) rates.set(server, rates.get(server)! + rate * each);
  }
});

test('a seed draws the same shop again, another one another', () => {
  expect(drawTopology(1)).toEqual(drawTopology(1));
  expect(drawTopology(2)).not.toEqual(drawTopology(1));
});
