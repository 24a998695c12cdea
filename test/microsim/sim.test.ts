import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { load as loadYaml } from 'js-yaml';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findCgroupMount, processesIn } from '../../microsim/controller/cgroup.ts';
import { connectSim } from '../../microsim/controller/client.ts';
import { FAULT_TYPES } from '../../microsim/protocol/fault.ts';
import type { SimStatus, TrafficStats } from '../../microsim/protocol/status.ts';
import { SimSandbox, eventually } from './sandbox.ts';

const SERVICES = 'ad cart cart-db catalog catalog-db checkout currency frontend payment recommendation shipping';
const NETWORK = '10.213.77.0/24';

const sandbox = new SimSandbox();
const shop = `${sandbox.prefix}-shop`;
const sim = connectSim(sandbox.stateDir(shop));

beforeAll(() => sandbox.build());
afterAll(() => sandbox.remove());

/** The stats of a service. One on a busy machine may be late with them, and a status is then without. */
const statsOf = (service: string, of = sim) =>
  eventually(`the stats of ${service}`, async () => (await of.status()).services[service]?.stats);

/** The counts of `caller` for `callee` since the start of its process. */
async function seen(caller: string, callee: string): Promise<TrafficStats> {
  const calls = (await statsOf(caller)).calls[callee];
  return calls ?? { requests: 0, failures: 0, seconds: 0, rate: 0, latency_ms: 0 };
}

/** The counts of `caller` for the next calls of `callee` that end; the first may have started before. */
async function watch(caller: string, callee: string) {
  const before = await seen(caller, callee);
  const after = await eventually(`${caller} calls ${callee}`, async () => {
    const now = await seen(caller, callee);
    return now.requests - before.requests >= 8 ? now : undefined;
  });
  const requests = after.requests - before.requests;
  const failures = after.failures - before.failures;
  return { failures, allFail: failures === requests, meanMs: (1000 * (after.seconds - before.seconds)) / requests };
}

type Watched = Awaited<ReturnType<typeof watch>>;

/** Waits until the counts of `caller` for `callee` pass `check`. */
function becomes(what: string, caller: string, callee: string, check: (watched: Watched) => boolean) {
  return eventually(`${callee} ${what} for ${caller}`, async () => check(await watch(caller, callee)));
}

const recovered = (caller: string, callee: string) =>
  becomes('is well', caller, callee, ({ failures, meanMs }) => failures === 0 && meanMs < 150);

describe('a web shop', () => {
  // The simulation is gone after the last test.
  afterEach(() => sim.clearFault().catch(() => undefined));

  it('comes up with a process, cgroup, namespace and traffic for each service', async () => {
    const up = await sandbox.run(shop, ['up', `--network=${NETWORK}`]);
    expect(up).toMatchObject({ status: 0, stderr: '' });
    const { services } = await sim.load({ level: 40, noise: 0, wave: { amplitude: 0 }, bursts: { factor: 1 } });
    expect(Object.keys(services).sort().join(' ')).toBe(SERVICES);
    await eventually('every service gets requests', async () => {
      const { services: now } = await sim.status();
      return Object.values(now).every(({ stats }) => (stats?.requests ?? 0) > 20);
    });
    const status = await sim.status();
    for (const service of Object.keys(services)) expect((await statsOf(service)).failures, service).toBe(0);
    expect(status.load?.failures).toBe(0);

    const { targets } = loadYaml(readFileSync(status.targets_file, 'utf8')) as {
      targets: { namespace: string; service: string; cgroup: string; addresses: string[] }[];
    };
    expect(targets).toHaveLength(11);
    for (const { namespace, service, cgroup, addresses } of targets) {
      const { pid, address } = status.services[service]!;
      expect(namespace).toBe('shop');
      expect(addresses).toEqual([address]);
      expect(processesIn(join(findCgroupMount(), cgroup))).toEqual([pid]);
    }
    const netns = [process.pid, ...Object.values(status.services).map(({ pid }) => pid)];
    expect(new Set(netns.map((pid) => readlinkSync(`/proc/${pid}/ns/net`))).size).toBe(12);
    for (const what of ['address', 'route', 'link']) {
      expect(execFileSync('ip', [what, 'show'], { encoding: 'utf8' })).not.toContain('10.213.77.');
    }
  });

  it('runs once', async () => {
    const again = await sandbox.run(shop, ['up', `--network=${NETWORK}`]);
    expect(again).toEqual({ status: 1, stdout: '', stderr: `lorikeet-sim: ${shop} is already running\n` });
    expect((await sim.status()).ready).toBe(true);
  });

  it('prints its status', async () => {
    const { stdout } = await sandbox.run(shop, ['status']);
    expect(stdout).toMatch(/^t\d+-shop: up; [\d.]+ requests\/s, 0 of \d+ failed; no fault\n/);
    expect(stdout).toMatch(/^payment +running +10\.213\.77\.19 /m);
    const json = JSON.parse((await sandbox.run(shop, ['status', '--json'])).stdout) as SimStatus;
    expect(json.name).toBe(shop);
  });

  it('latency: callers wait longer', async () => {
    await sim.fault('catalog', 'latency', { delay: 200, jitter: 0 });
    await becomes('is slow', 'frontend', 'catalog', ({ failures, meanMs }) => failures === 0 && meanMs >= 200);
    await sim.clearFault();
    await recovered('frontend', 'catalog');
  });

  it('cpu: the service burns its share of a core', async () => {
    const used = async () => (await statsOf('shipping')).cpu_seconds;
    await sim.fault('shipping', 'cpu', { share: 0.5, work: 15 });
    const [before, began] = [await used(), performance.now()];
    await eventually('shipping burns', async () => (await used()) - before > 0.8);
    // Half a core, and the CPU time of its own work.
    expect(((await used()) - before) / ((performance.now() - began) / 1000)).toBeLessThan(0.85);
    await becomes('is slower', 'checkout', 'shipping', ({ meanMs }) => meanMs > 15);
    await sim.clearFault();
    await recovered('checkout', 'shipping');
  });

  it('error: the service fails immediately, its caller with 502, and no other service', async () => {
    await sim.fault('payment', 'error');
    const healthy = (await seen('checkout', 'cart')).failures;
    await becomes('fails', 'checkout', 'payment', ({ allFail }) => allFail);
    await becomes('fails', 'frontend', 'checkout', ({ allFail }) => allFail);
    expect((await statsOf('payment')).failures).toBeGreaterThanOrEqual(8);
    expect((await seen('checkout', 'cart')).failures).toBe(healthy);
    await sim.clearFault();
    await recovered('checkout', 'payment');
  });

  it('memory_leak: memory grows to the cap and is freed', async () => {
    const before = await statsOf('ad');
    await sim.fault('ad', 'memory_leak', { rate: 60, cap: 60 });
    await eventually('60 MB leaked', async () => (await statsOf('ad')).leaked_mb >= 59);
    const leaking = await statsOf('ad');
    expect(leaking.leaked_mb).toBeLessThanOrEqual(60);
    expect(leaking.rss_mb - before.rss_mb).toBeGreaterThan(45);
    await sim.clearFault();
    await eventually('memory is freed', async () => {
      const { rss_mb, leaked_mb } = await statsOf('ad');
      return leaked_mb === 0 && rss_mb - before.rss_mb < 15;
    });
  });

  it('pause: callers time out', async () => {
    const status = await sim.fault('currency', 'pause');
    expect(status.services['currency']).toMatchObject({ state: 'paused' });
    const { pid } = status.services['currency']!;
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) T /);
    await becomes('hangs', 'shipping', 'currency', ({ allFail, meanMs }) => allFail && meanMs >= 990);
    await sim.clearFault();
    await recovered('shipping', 'currency');
    expect((await sim.status()).services['currency']).toMatchObject({ state: 'running', pid, restarts: 0 });
  });

  it('refuse: connections are refused, kept ones end', async () => {
    await sim.fault('cart', 'refuse');
    await becomes('is refused', 'frontend', 'cart', ({ allFail }) => allFail);
    expect(await statsOf('cart')).toMatchObject({ listening: false });
    await sim.clearFault();
    await recovered('frontend', 'cart');
    expect(await statsOf('cart')).toMatchObject({ listening: true, fault: null });
  });

  it('crash: the process is gone until the fault is cleared, then back at its address', async () => {
    const before = (await sim.status()).services['cart-db'];
    const crashed = (await sim.fault('cart-db', 'crash')).services['cart-db'];
    expect(crashed).toEqual({ state: 'crashed', address: before?.address, restarts: 0 });
    await becomes('is gone', 'cart', 'cart-db', ({ allFail }) => allFail);
    expect((await sim.status()).services['cart']).toMatchObject({ state: 'running', restarts: 0 });
    const after = (await sim.clearFault()).services['cart-db'];
    expect(after).toMatchObject({ state: 'running', address: before?.address, restarts: 0 });
    expect(after?.pid).not.toBe(before?.pid);
    await recovered('cart', 'cart-db');
  });

  it('allows one fault at a time and reports invalid input in one line', async () => {
    await sim.fault('ad', 'latency');
    await expect(sim.fault('cart', 'error')).rejects.toThrow('ad already has a fault (latency): clear it first');
    expect(await sandbox.run(shop, ['fault', '--clear'])).toMatchObject({ stdout: 'ad: latency cleared\n', status: 0 });
    await expect(sim.fault('nobody', 'error')).rejects.toThrow('no such service: nobody');
    expect(await sandbox.run(shop, ['fault', 'ad', 'cpu', '--delay=5'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'lorikeet-sim: cpu.delay: unknown argument\n',
    });
    await expect(sim.load({ level: -1 })).rejects.toThrow('level: expected a number from 0 to 500');
    await expect(sim.load({ wave: { period: 'x' } })).rejects.toThrow('wave.period: expected a duration');
  });

  it('restarts a service that exits unexpectedly', async () => {
    const { pid } = (await sim.status()).services['recommendation']!;
    process.kill(pid!, 'SIGKILL');
    const status = await eventually('recommendation is back', async () => {
      const now = await sim.status();
      const { state, restarts } = now.services['recommendation']!;
      return state === 'running' && restarts === 1 ? now : undefined;
    });
    expect(status.services['recommendation']?.pid).not.toBe(pid);
    expect(readFileSync(join(sandbox.stateDir(shop), 'controller.log'), 'utf8')).toContain('msg="process died"');
    await recovered('frontend', 'recommendation');
  });

  it('follows the load', async () => {
    const result = await sandbox.run(shop, ['load', '--level=5', '--wave.period=30s']);
    expect(JSON.parse(result.stdout)).toMatchObject({ level: 5, noise: 0, wave: { period: 30_000, amplitude: 0 } });
    expect((await sim.status()).load?.target_rate).toBe(5);
    expect((await sim.load({ level: 40 })).load?.target_rate).toBe(40);
  });

  it('records faults with their times', async () => {
    const labelsFile = join(sandbox.directory, 'labels.json');
    const options = ['--duration=5s', '--fault.duration=1s', '--recovery=500ms', '--warmup=0s', '--faults=2'];
    const result = await sandbox.run(shop, ['record', ...options, `--labels=${labelsFile}`, '--seed=3']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout.split('\n')).toHaveLength(7);
    const labels = JSON.parse(readFileSync(labelsFile, 'utf8')) as Record<string, string>[];
    expect(labels).toHaveLength(2);
    for (const { start, end, namespace, service, type, ...others } of labels) {
      expect(others).toEqual({});
      expect(namespace).toBe('shop');
      expect(SERVICES.split(' ')).toContain(service);
      expect(typeof type).toBe('string');
      expect(Date.parse(end!) - Date.parse(start!)).toBeGreaterThanOrEqual(900);
    }
    expect((await sim.status()).fault).toBeNull();
  });

  it('stops without leftovers, and a second stop succeeds', async () => {
    expect(sandbox.leftovers('-shop').length).toBeGreaterThan(0);
    expect(await sandbox.run(shop, ['down'])).toEqual({ status: 0, stdout: `${shop}: stopped\n`, stderr: '' });
    expect(sandbox.leftovers()).toEqual([]);
    expect(await sandbox.run(shop, ['down'])).toEqual({ status: 0, stdout: `${shop}: not running\n`, stderr: '' });
    await expect(sim.status()).rejects.toThrow('not running');
  });
});

const TINY = `
namespace: tiny
network: 10.213.78.0/24
services: {web: {}, db: {}}
load:
  level: 20
  noise: 0
  wave: {period: 10m, amplitude: 0}
  bursts: {every: 10m, factor: 1, lasting: 1s}
requests:
  - {name: get, weight: 1, route: {designation: web, routes: [{designation: db}]}}
`;

describe('a tiny system', () => {
  const instance = `${sandbox.prefix}-tiny`;
  const tiny = connectSim(sandbox.stateDir(instance));
  let topology = '';
  beforeAll(() => {
    topology = sandbox.write('tiny.yaml', TINY);
  });

  it('is removed after its controller was killed, by down or by the next up', async () => {
    for (const next of ['up', 'down']) {
      expect((await sandbox.run(instance, ['up', `--topology=${topology}`])).status).toBe(0);
      const orphan = (await tiny.status()).services['web']!.pid!;
      process.kill((await tiny.status()).pid, 'SIGKILL');
      await eventually('the controller is gone', () =>
        tiny.status().then(
          () => false,
          () => true,
        ),
      );
      expect(sandbox.leftovers('-tiny').join('\n')).toContain(`${orphan} `);
      const args = next === 'up' ? ['up', `--topology=${topology}`] : ['down'];
      expect(await sandbox.run(instance, args)).toMatchObject({ status: 0, stderr: '' });
      expect(sandbox.leftovers('-tiny').join('\n')).not.toContain(`${orphan} `);
      await sandbox.run(instance, ['down']);
      expect(sandbox.leftovers()).toEqual([]);
    }
  });

  it('is removed after a start that was killed half-way', async () => {
    const up = sandbox.start(instance, ['up', '--foreground', `--topology=${topology}`]);
    await eventually('a namespace appears', () =>
      sandbox.leftovers('-tiny').some((what) => what.startsWith('/run/netns')),
    );
    up.kill('SIGKILL');
    expect(await sandbox.run(instance, ['down'])).toMatchObject({ status: 0, stderr: '' });
    expect(sandbox.leftovers()).toEqual([]);
  });

  it('removes itself if a service does not start, and names it', async () => {
    sandbox.write('broken/lorikeet-sim.js', readFileSync(sandbox.program, 'utf8'));
    sandbox.write('broken/lorikeet-sim-service.js', 'throw new Error("no service today");');
    sandbox.write(
      'broken/lorikeet-sim-load.js',
      readFileSync(join(sandbox.directory, 'dist/lorikeet-sim-load.js'), 'utf8'),
    );
    sandbox.write('broken/package.json', '{"type":"module"}');
    const program = join(sandbox.directory, 'broken/lorikeet-sim.js');
    const up = await sandbox.run(instance, ['up', `--topology=${topology}`], program);
    expect(up).toMatchObject({ status: 1, stdout: '' });
    expect(up.stderr).toBe('lorikeet-sim: web: exited with status 1 while starting: Error: no service today\n');
    expect(sandbox.leftovers()).toEqual([]);
  });

  it('stops in the foreground on SIGTERM, while another one runs', async () => {
    const other = `${instance}-2`;
    expect((await sandbox.run(other, ['up', `--topology=${topology}`])).status).toBe(0);
    const up = sandbox.start(instance, ['up', '--foreground', `--topology=${topology}`]);
    await eventually('it is ready', async () => (await tiny.status().catch(() => undefined))?.ready);
    const ended = new Promise((resolve) => up.once('exit', resolve));
    up.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(sandbox.leftovers().every((what) => what.includes(other))).toBe(true);
    expect((await connectSim(sandbox.stateDir(other)).status()).ready).toBe(true);
    expect((await sandbox.run(other, ['down'])).status).toBe(0);
    expect(sandbox.leftovers()).toEqual([]);
  });

  it('runs in Python if the topology or the flag says so, with every fault', async () => {
    const python = sandbox.write('python.yaml', `runtime: python\n${TINY}`);
    for (const flags of [[`--topology=${python}`], [`--topology=${topology}`, '--runtime=python']]) {
      expect(await sandbox.run(instance, ['up', ...flags])).toMatchObject({ status: 0, stderr: '' });
      const { services } = await tiny.status();
      expect(readFileSync(`/proc/${services['db']?.pid}/cmdline`, 'utf8')).toContain('python');
      for (const type of FAULT_TYPES) {
        const { fault } = await tiny.fault('db', type);
        expect(fault).toMatchObject({ service: 'db', type });
        // Clearing probes the service, and fails unless it answers.
        expect((await tiny.clearFault()).fault).toBeNull();
      }
      const asked = async () => (await statsOf('db', tiny)).requests;
      await eventually('db gets requests', async () => (await asked()) > 20);
      expect((await sandbox.run(instance, ['down'])).status).toBe(0);
      expect(sandbox.leftovers()).toEqual([]);
    }
  });

  it('does not use a directory that is not its own', async () => {
    sandbox.write(`${instance}/precious.txt`, 'mine');
    const up = await sandbox.run(instance, ['up', `--topology=${topology}`]);
    expect(up).toMatchObject({ status: 1 });
    expect(up.stderr).toContain('not empty and not a state directory of lorikeet-sim\n');
    await sandbox.run(instance, ['down']);
    expect(readFileSync(join(sandbox.stateDir(instance), 'precious.txt'), 'utf8')).toBe('mine');
  });

  it('names the error in a topology', async () => {
    const wrong = sandbox.write('wrong.yaml', TINY.replace('[{designation: db}]', '[{designation: dbx}]'));
    expect(await sandbox.run(`${instance}-3`, ['up', `--topology=${wrong}`])).toEqual({
      status: 2,
      stdout: '',
      stderr: `lorikeet-sim: ${wrong}: requests[0].route.routes[0].designation: expected one of web, db, got "dbx"\n`,
    });
  });
});
