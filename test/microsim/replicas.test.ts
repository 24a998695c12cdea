import { readFileSync } from 'node:fs';
import { load as loadYaml } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSim } from '../../microsim/controller/client.ts';
import { RUNTIMES } from '../../microsim/protocol/runtime.ts';
import { SimSandbox, eventually } from './sandbox.ts';

const TOPOLOGY = `
namespace: shop
network: 10.213.79.0/24
services: { web: {}, db: { replicas: 3 } }
load: { level: 30, noise: 0, wave: { period: 10m, amplitude: 0 }, bursts: { every: 5m, factor: 1, lasting: 10s } }
requests: [{ name: home, weight: 1, route: { designation: web, routes: [{ designation: db }] } }]
`;

const sandbox = new SimSandbox();
beforeAll(() => sandbox.build());
afterAll(() => sandbox.remove());

describe.each(RUNTIMES)('a service in %s with three replicas', (runtime) => {
  const name = `${sandbox.prefix}-${runtime}`;
  const sim = connectSim(sandbox.stateDir(name));
  const NAMES = ['db-0', 'db-1', 'db-2'];
  const statsOf = async () => {
    const { services } = await sim.status();
    return NAMES.map((replica) => services[replica]?.stats);
  };
  afterAll(() => sandbox.run(name, ['down']));

  it('runs them as targets of one service, and callers take turns', async () => {
    const topology = sandbox.write('replicas.yaml', TOPOLOGY);
    expect(await sandbox.run(name, ['up', `--topology=${topology}`, `--runtime=${runtime}`])).toMatchObject({
      status: 0,
      stderr: '',
    });
    const { services, targets_file: file } = await sim.status();
    expect(Object.keys(services)).toEqual(['web', ...NAMES]);
    expect(services['db-1']).toMatchObject({ replica_of: 'db', state: 'running', address: '10.213.79.12' });
    expect(services['web']).not.toHaveProperty('replica_of');
    const { targets } = loadYaml(readFileSync(file, 'utf8')) as { targets: { service: string; cgroup: string }[] };
    expect(targets.map(({ service, cgroup }) => [service, cgroup.split('/').at(-1)])).toEqual([
      ['web', 'web'],
      ...NAMES.map((replica) => ['db', replica]),
    ]);
    const requests = await eventually('all get requests', async () => {
      const counts = (await statsOf()).map((stats) => stats?.requests ?? 0);
      return counts.every((count) => count > 30) ? counts : undefined;
    });
    expect(Math.max(...requests) - Math.min(...requests)).toBeLessThan(10);
  });

  it('breaks one of them alone', async () => {
    await sim.fault('db-1', 'latency', { delay: 200, jitter: 0 });
    const latencies = await eventually('db-1 is slow', async () => {
      const found = (await statsOf()).map((stats) => stats?.latency_ms ?? 0);
      return found[1]! > 150 ? found : undefined;
    });
    expect(latencies[0]).toBeLessThan(100);
    expect(latencies[2]).toBeLessThan(100);
    await sim.clearFault();
    await expect(sim.fault('db', 'latency')).rejects.toThrow('no such service: db; there are web, db-0, db-1, db-2');
    await sim.fault('web', 'skip_call', { callee: 'db' });
    await sim.clearFault();
  });
});
