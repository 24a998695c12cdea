import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { changeLoad, loadChangeSchema, readTopology, type Topology } from './topology.ts';
import type { Route } from '../protocol/route.ts';

const directory = mkdtempSync(join(tmpdir(), 'topology-'));
afterAll(() => rmSync(directory, { recursive: true }));

const minimal = {
  namespace: 'shop',
  network: '10.9.0.0/24',
  services: { web: {}, db: { wait_ms: 1 } },
  load: {
    level: 5,
    noise: 0,
    wave: { period: '10m', amplitude: 0 },
    bursts: { every: '5m', factor: 1, lasting: '10s' },
  },
  requests: [{ name: 'home', weight: 1, route: { designation: 'web', routes: [{ designation: 'db' }] } }],
};

function read(value: unknown): Topology {
  const path = join(directory, 'shop.yaml');
  writeFileSync(path, JSON.stringify(value));
  return readTopology(path);
}

const home = (route: unknown) => ({ ...minimal, requests: [{ name: 'home', weight: 1, route }] });

describe('readTopology', () => {
  it('fills in defaults and turns durations into milliseconds', () => {
    const topology = read(minimal);
    expect([topology.port, topology.runtime]).toEqual([8080, 'typescript']);
    expect(topology.services['web']).toEqual({
      replicas: 1,
      wait_ms: 2,
      wait_spread: 0.4,
      cpu_ms: 0.3,
      response_bytes: 1000,
      timeout_ms: 1000,
      max_concurrent: 64,
    });
    expect(topology.load.wave.period).toBe(600_000);
    expect(topology.requests[0]?.route.routes[0]).toMatchObject({ designation: 'db', probability: 100, routes: [] });
  });

  it.each([
    [{ ...minimal, colour: 'red' }, 'shop.yaml: colour: unknown key'],
    [{ ...minimal, namespace: 'Shop' }, 'shop.yaml: namespace: expected a namespace of lower-case letters'],
    [
      { ...minimal, network: '8.8.8.0/24' },
      'network: expected a private network such as 10.88.0.0/24, got "8.8.8.0/24"',
    ],
    [{ ...minimal, network: '10.999.0.0/24' }, 'network: expected a private network'],
    [{ ...minimal, runtime: 'cobol' }, 'shop.yaml: runtime: expected one of typescript, python, got "cobol"'],
    [{ ...minimal, services: {} }, 'services: expected 1 to 200 services'],
    [
      { ...minimal, services: { web: { replicas: 2 }, 'web-1': {}, db: {} } },
      'services: expected no service with the name of a replica, web-1',
    ],
    [
      { ...minimal, services: Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`s${at}`, { replicas: 20 }])) },
      'services: expected at most 200 replicas of all services together',
    ],
    [{ ...minimal, services: { web: { cpu: 1 } } }, 'services.web.cpu: unknown key'],
    [{ ...minimal, services: { web: { cpu_ms: -1 } } }, 'services.web.cpu_ms: expected a number from 0 to 100, got -1'],
    [{ ...minimal, load: { ...minimal.load, level: 1e6 } }, 'load.level: expected a number from 0 to 500, got 1000000'],
    [
      { ...minimal, load: { ...minimal.load, wave: { period: 'long', amplitude: 0 } } },
      'load.wave.period: expected a duration such as 30s or 5m, got "long"',
    ],
    [{ ...minimal, requests: [] }, 'requests: expected at least one request with a weight above 0'],
    [
      home({ designation: 'web', routes: [{ designation: 'db' }, { designation: 'dbx' }] }),
      'requests[0].route.routes[1].designation: expected one of web, db, got "dbx"',
    ],
    [home({ designation: 'web', probabilty: 5 }), 'requests[0].route.probabilty: unknown key'],
    [
      home({ designation: 'web', faults: { before: [{ type: 'latency', args: { delay: 'long' } }] } }),
      'requests[0].route.faults.before[0].args.delay: expected number, got "long"',
    ],
  ])('rejects invalid input, case %#', (value, message) => {
    expect(() => read(value)).toThrow(message);
  });
});

describe('web-shop.yaml', () => {
  const topology = readTopology(join(import.meta.dirname, '../topologies/web-shop.yaml'));

  it('sends every service at least 8 requests per second at its average load', () => {
    const asked = new Map<string, number>();
    const add = (route: Route, rate: number) => {
      asked.set(route.designation, (asked.get(route.designation) ?? 0) + rate);
      for (const child of route.routes) add(child, (rate * child.probability) / 100);
    };
    const weights = topology.requests.reduce((sum, request) => sum + request.weight, 0);
    for (const { route, weight } of topology.requests) add(route, (topology.load.level * weight) / weights);
    expect([...asked.keys()].sort()).toEqual(Object.keys(topology.services).sort());
    for (const service of Object.keys(topology.services)) {
      expect(asked.get(service) ?? 0, service).toBeGreaterThanOrEqual(8);
    }
  });
});

describe('changeLoad', () => {
  it('changes only the given settings', () => {
    const { load } = read(minimal);
    const change = loadChangeSchema.parse({ level: 7, wave: { amplitude: 0.5 } });
    expect(changeLoad(load, change)).toEqual({ ...load, level: 7, wave: { period: 600_000, amplitude: 0.5 } });
    expect(changeLoad(load, {})).toEqual(load);
  });
});
