import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../scripts/free-port.ts';
import { waitFor } from '../protocol/condition.ts';
import { type Fault, parseFault } from '../protocol/fault.ts';
import { requestJson } from '../protocol/json-http.ts';
import type { Address, ServiceConfig } from '../protocol/process-config.ts';
import { RUNTIMES, type Runtime, serviceCommand } from '../protocol/runtime.ts';
import { SimulatedService } from './simulated-service.ts';
import type { ServiceStats } from '../protocol/status.ts';

/** A service under test, in any language. */
interface Running {
  stats(): Promise<ServiceStats>;
  setFault(fault: Fault | null): Promise<void>;
  stop(): Promise<void>;
}

/** In this process. */
async function startHere(config: ServiceConfig): Promise<Running> {
  const service = new SimulatedService(config);
  await service.listen();
  return {
    stats: () => Promise.resolve(service.stats()),
    setFault: (fault) => service.setFault(fault),
    stop: () => service.setFault(parseFault('refuse')),
  };
}

/** In a process of its own, controlled like by the controller. */
async function startProcess(runtime: Runtime, config: ServiceConfig): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'simulated-service-'));
  const [admin, file] = [join(folder, 'admin.sock'), join(folder, 'config.json')];
  writeFileSync(file, JSON.stringify({ ...config, admin }));
  const [command = '', ...args] = serviceCommand(runtime, join(import.meta.dirname, '..'));
  const child: ChildProcess = spawn(command, [...args, file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stats = async () => (await requestJson(admin, 'GET /stats')) as ServiceStats;
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  };
  const ready = await waitFor(() => stats().catch(() => undefined), 20_000);
  if (ready === undefined) {
    await stop();
    throw new Error(`${config.service} is not ready in time`);
  }
  const setFault = async (fault: Fault | null) => {
    if (fault === null) await requestJson(admin, 'DELETE /fault');
    else await requestJson(admin, 'POST /fault', { type: fault.type, ...fault.args });
  };
  return { stats, setFault, stop };
}

const running: Running[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop();
});

/** Services on loopback that all know one another and `gone`, where no process listens. */
async function startAll(runtime: Runtime, names: readonly string[], change: Partial<ServiceConfig>) {
  const callees: Record<string, Address> = {};
  for (const name of [...names, 'gone']) callees[name] = { host: '127.0.0.1', port: await freePort() };
  const services = new Map<string, Running>();
  for (const name of names) {
    const config = {
      service: name,
      listen: callees[name]!,
      admin: '',
      callees,
      seed: 1,
      wait_ms: 1,
      wait_spread: 0.1,
      cpu_ms: 0,
      response_bytes: 500,
      timeout_ms: 300,
      max_concurrent: 8,
      ...change,
    };
    const service = await (runtime === 'typescript' ? startHere(config) : startProcess(runtime, config));
    running.push(service);
    services.set(name, service);
  }
  const post = async (name: string, route: unknown) => {
    const { host, port } = callees[name]!;
    const began = performance.now();
    const response = await fetch(`http://${host}:${port}/`, { method: 'POST', body: JSON.stringify(route) });
    const body = (await response.json()) as { service: string; error: string | null; padding?: string };
    return { status: response.status, ms: performance.now() - began, ...body };
  };
  const stats = (name: string) => services.get(name)!.stats();
  return {
    post,
    stats,
    requests: async (...of: readonly string[]) =>
      Promise.all(of.map((name) => stats(name).then(({ requests }) => requests))),
    setFault: (name: string, fault: Fault | null) => services.get(name)!.setFault(fault),
  };
}

const latency = (delay: number) => ({ type: 'latency', args: { delay } });

describe.each(RUNTIMES)('a simulated service in %s', (runtime) => {
  const start = (names: readonly string[], change: Partial<ServiceConfig> = {}) => startAll(runtime, names, change);

  it('works, calls the services of its route and answers after about the configured time', async () => {
    const { post, requests } = await start(['web', 'cart', 'db']);
    const route = {
      designation: 'web',
      routes: [{ designation: 'cart', routes: [{ designation: 'db' }] }, { designation: 'db' }],
    };
    const answer = await post('web', route);
    expect(answer).toMatchObject({ status: 200, service: 'web', error: null });
    expect(answer.padding?.length).toBeGreaterThan(200);
    expect(await requests('web', 'cart', 'db')).toEqual([1, 1, 2]);
  });

  it('draws by probability', async () => {
    const { post, requests } = await start(['web', 'never', 'always', 'half']);
    const routes = [
      { designation: 'never', probability: 0 },
      { designation: 'always', probability: 100 },
      { designation: 'half', probability: 50 },
    ];
    for (let request = 0; request < 40; request += 1) await post('web', { designation: 'web', routes });
    const [never, always, half] = await requests('never', 'always', 'half');
    expect([never, always]).toEqual([0, 40]);
    expect(half).toBeGreaterThan(8);
    expect(half).toBeLessThan(32);
  });

  it('applies the faults of a route, before and after its calls', async () => {
    const { post, stats } = await start(['web', 'db']);
    const slow = { designation: 'web', faults: { before: [latency(60), latency(50)], after: [latency(40)] } };
    expect((await post('web', slow)).ms).toBeGreaterThanOrEqual(148);
    const { rss_mb: rss } = await stats('web');
    const leak = { type: 'memory-leak', args: { size: 64, duration: 1000 } };
    expect(await post('web', { designation: 'web', faults: { after: [leak] } })).toMatchObject({ status: 200 });
    expect((await stats('web')).rss_mb - rss).toBeGreaterThan(48);
  });

  it('fails on an error of a route, and its caller with it', async () => {
    const { post, stats } = await start(['web', 'db']);
    const failing = { designation: 'db', faults: { before: [{ type: 'error', args: {} }] } };
    expect(await post('db', failing)).toMatchObject({ status: 500, error: 'error of the route' });
    expect(await post('web', { designation: 'web', routes: [failing] })).toMatchObject({ status: 502 });
    expect(await stats('db')).toMatchObject({ failures: 2 });
  });

  it('calls in parallel if the route is parallel', async () => {
    const { post, stats } = await start(['web', 'db']);
    const slow = { designation: 'db', faults: { before: [latency(100)] } };
    const answered = post('web', { designation: 'web', parallel: true, routes: [slow, slow, slow] });
    const began = performance.now();
    let max = 0;
    while (max < 3 && performance.now() - began < 10_000) {
      max = Math.max(max, (await stats('db')).active);
      await new Promise(setImmediate);
    }
    expect(max).toBe(3);
    expect((await answered).status).toBe(200);
  });

  it.each([
    ['a callee that does not run', { designation: 'gone' }, 502, 'gone: ECONNREFUSED'],
    ['a callee that takes too long', { designation: 'db', faults: { before: [latency(5000)] } }, 502, 'db: timed out'],
    ['a callee whose callee fails', { designation: 'db', routes: [{ designation: 'gone' }] }, 502, 'db: status 502'],
    ['an unknown callee', { designation: 'nobody' }, 400, 'no such service: nobody'],
  ])('answers for %s and makes no further call', async (_case, first, status, error) => {
    const { post, requests, stats } = await start(['web', 'db', 'last']);
    const route = { designation: 'web', routes: [first, { designation: 'last' }] };
    expect(await post('web', route)).toMatchObject({ status, error });
    expect(await requests('last')).toEqual([0]);
    expect(await stats('web')).toMatchObject({ failures: 1, active: 0 });
  });

  it('rejects a route for another service, and an invalid one', async () => {
    const { post } = await start(['web']);
    expect(await post('web', { designation: 'cart' })).toMatchObject({
      status: 400,
      error: 'route.designation: this is web',
    });
    expect(await post('web', [])).toMatchObject({ status: 400, error: 'route: expected an object' });
  });

  it('rejects requests beyond its limit', async () => {
    const { post, stats } = await start(['web'], { max_concurrent: 2 });
    const slow = { designation: 'web', faults: { before: [latency(300)] } };
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => post('web', slow)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 503, 503, 503]);
    expect(await stats('web')).toMatchObject({ requests: 2, rejected: 3, active: 0 });
  });

  it('fails a share of its requests during an injected error, none after it is cleared', async () => {
    const { post, setFault } = await start(['web']);
    const statuses = async () => {
      const answers = [];
      for (let request = 0; request < 30; request += 1)
        answers.push((await post('web', { designation: 'web' })).status);
      return answers.filter((status) => status === 500).length;
    };
    await setFault('web', parseFault('error', { share: 0.5 }));
    expect(await statuses()).toBeGreaterThan(3);
    await setFault('web', null);
    expect(await statuses()).toBe(0);
  });
});
