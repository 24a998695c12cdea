import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseFault } from './fault.ts';
import type { Address, ServiceConfig } from './process-config.ts';
import { SimulatedService } from './simulated-service.ts';

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

const running: SimulatedService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.setFault(parseFault('refuse'));
});

/** Services on loopback that all know one another and `gone`, where nobody listens. */
async function start(names: readonly string[], change: Partial<ServiceConfig> = {}) {
  const callees: Record<string, Address> = {};
  for (const name of [...names, 'gone']) callees[name] = { host: '127.0.0.1', port: await freePort() };
  const services = new Map<string, SimulatedService>();
  for (const name of names) {
    const service = new SimulatedService({
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
    });
    await service.listen();
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
  return {
    post,
    requests: (name: string) => services.get(name)!.stats().requests,
    of: (name: string) => services.get(name)!,
  };
}

const latency = (delay: number) => ({ type: 'latency', args: { delay } });

describe('SimulatedService', () => {
  it('works, calls what its route says and answers about as long as told', async () => {
    const { post, requests } = await start(['web', 'cart', 'db']);
    const route = {
      designation: 'web',
      routes: [{ designation: 'cart', routes: [{ designation: 'db' }] }, { designation: 'db' }],
    };
    const answer = await post('web', route);
    expect(answer).toMatchObject({ status: 200, service: 'web', error: null });
    expect(answer.padding?.length).toBeGreaterThan(200);
    expect([requests('web'), requests('cart'), requests('db')]).toEqual([1, 1, 2]);
  });

  it('draws by probability', async () => {
    const { post, requests } = await start(['web', 'never', 'always', 'half']);
    const routes = [
      { designation: 'never', probability: 0 },
      { designation: 'always', probability: 100 },
      { designation: 'half', probability: 50 },
    ];
    for (let request = 0; request < 40; request += 1) await post('web', { designation: 'web', routes });
    expect([requests('never'), requests('always')]).toEqual([0, 40]);
    expect(requests('half')).toBeGreaterThan(8);
    expect(requests('half')).toBeLessThan(32);
  });

  it('shows the faults of a route, before and after its calls', async () => {
    const { post, of } = await start(['web', 'db']);
    const slow = { designation: 'web', faults: { before: [latency(60), latency(50)], after: [latency(40)] } };
    expect((await post('web', slow)).ms).toBeGreaterThanOrEqual(148);
    const rss = of('web').stats().rss_mb;
    const leak = { type: 'memory-leak', args: { size: 64, duration: 1000 } };
    expect(await post('web', { designation: 'web', faults: { after: [leak] } })).toMatchObject({ status: 200 });
    expect(of('web').stats().rss_mb - rss).toBeGreaterThan(48);
  });

  it('calls in parallel when told so', async () => {
    const { post, of } = await start(['web', 'db']);
    const slow = { designation: 'db', faults: { before: [latency(100)] } };
    const answered = post('web', { designation: 'web', parallel: true, routes: [slow, slow, slow] });
    const began = performance.now();
    let most = 0;
    while (most < 3 && performance.now() - began < 10_000) {
      most = Math.max(most, of('db').stats().active);
      await new Promise(setImmediate);
    }
    expect(most).toBe(3);
    expect((await answered).status).toBe(200);
  });

  it.each([
    ['a callee that is not there', { designation: 'gone' }, 502, 'gone: ECONNREFUSED'],
    ['a callee that takes too long', { designation: 'db', faults: { before: [latency(5000)] } }, 502, 'db: timed out'],
    ['a callee whose callee fails', { designation: 'db', routes: [{ designation: 'gone' }] }, 502, 'db: status 502'],
    ['an unknown callee', { designation: 'nobody' }, 400, 'no such service: nobody'],
  ])('answers for %s and calls no more', async (_case, first, status, error) => {
    const { post, requests, of } = await start(['web', 'db', 'last']);
    const route = { designation: 'web', routes: [first, { designation: 'last' }] };
    expect(await post('web', route)).toMatchObject({ status, error });
    expect(requests('last')).toBe(0);
    expect(of('web').stats()).toMatchObject({ failures: 1, active: 0 });
  });

  it('refuses a route for somebody else or none at all', async () => {
    const { post } = await start(['web']);
    expect(await post('web', { designation: 'cart' })).toMatchObject({
      status: 400,
      error: 'route.designation: this is web',
    });
    expect(await post('web', [])).toMatchObject({ status: 400, error: 'route: expected an object' });
  });

  it('turns away what is too much', async () => {
    const { post, of } = await start(['web'], { max_concurrent: 2 });
    const slow = { designation: 'web', faults: { before: [latency(300)] } };
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => post('web', slow)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 503, 503, 503]);
    expect(of('web').stats()).toMatchObject({ requests: 2, rejected: 3, active: 0 });
  });

  it('fails a share of its requests on an injected error, none after it is lifted', async () => {
    const { post, of } = await start(['web']);
    const statuses = async () => {
      const answers = [];
      for (let request = 0; request < 30; request += 1)
        answers.push((await post('web', { designation: 'web' })).status);
      return answers.filter((status) => status === 500).length;
    };
    await of('web').setFault(parseFault('error', { share: 0.5 }));
    expect(await statuses()).toBeGreaterThan(3);
    await of('web').setFault(null);
    expect(await statuses()).toBe(0);
  });
});
