import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectSim } from '../../microsim/controller/client.ts';
import { RUNTIMES } from '../../microsim/protocol/runtime.ts';
import { SimSandbox, eventually } from './sandbox.ts';
import { OtlpSink, type SunkSpan } from './otlp-sink.ts';

/* Each fault as the spans show it, which an OTLP receiver gets from real services. */
const TOPOLOGY = `
namespace: traced
network: 10.213.80.0/24
services: {web: {}, cart: {}, shipping: {}, db: {}}
load:
  level: 15
  noise: 0
  wave: {period: 10m, amplitude: 0}
  bursts: {every: 10m, factor: 1, lasting: 1s}
requests:
  - name: buy
    weight: 1
    route: {designation: web, routes: [{designation: cart, routes: [{designation: db}]}, {designation: shipping}, {designation: db}]}
`;

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;
const WHOLE = 'cart shipping db';

const sandbox = new SimSandbox();
const sinks: OtlpSink[] = [];
beforeAll(() => sandbox.build());
afterAll(async () => {
  for (const sink of sinks) sink.close();
  await sandbox.remove();
});

const serviceOf = (span: SunkSpan | undefined) => span?.resource['service.name'];
const byStart = (a: SunkSpan, b: SunkSpan) => Number(a.startNs - b.startNs);

/** The traces of which all spans have arrived: the root, and the callee's span of each call. */
function tracesOf(spans: readonly SunkSpan[]): SunkSpan[][] {
  const byTrace = new Map<string, SunkSpan[]>();
  for (const span of spans) byTrace.set(span.traceId, [...(byTrace.get(span.traceId) ?? []), span]);
  return [...byTrace.values()].filter((trace) => {
    const parents = new Set(trace.map(({ parentId }) => parentId));
    return parents.has('') && trace.every(({ kind, spanId }) => kind === SERVER || parents.has(spanId));
  });
}

/** The calls of web in order; `!` marks a failure. */
function callsOf(trace: readonly SunkSpan[]): string {
  return trace
    .filter((span) => span.kind === CLIENT && serviceOf(span) === 'web')
    .sort(byStart)
    .map(({ attributes, status }) => `${attributes['server.address']}${status === ERROR ? '!' : ''}`)
    .join(' ');
}

describe.each(RUNTIMES)('spans of services in %s', (runtime) => {
  const instance = `${sandbox.prefix}-${runtime}`;
  const sim = connectSim(sandbox.stateDir(instance));
  const sink = new OtlpSink();
  sinks.push(sink);

  beforeAll(async () => {
    const topology = sandbox.write(`traced-${runtime}.yaml`, TOPOLOGY);
    const flags = [`--topology=${topology}`, `--runtime=${runtime}`, `--traces=${await sink.listen()}`];
    expect(await sandbox.run(instance, ['up', ...flags])).toMatchObject({ status: 0, stderr: '' });
  });
  afterEach(() => sim.clearFault().catch(() => undefined));
  afterAll(async () => {
    await sandbox.run(instance, ['down']);
    expect(sandbox.leftovers(`-${runtime}`)).toEqual([]);
  });

  /** The traces of which `check` accepts what web called, once there are `count`. */
  async function tracesDuring(what: string, check: (calls: string) => boolean, count = 10): Promise<SunkSpan[][]> {
    return eventually(what, () => {
      const found = tracesOf(sink.spans).filter((trace) => check(callsOf(trace)));
      return found.length >= count ? found : undefined;
    });
  }

  it('are whole, and named as the targets name the services', async () => {
    const spans = await eventually('whole traces', () => {
      const whole = tracesOf(sink.spans).filter((trace) => trace.length === 9 && callsOf(trace) === WHOLE);
      return whole.length > 5 ? whole[0] : undefined;
    });
    expect([...sink.contentTypes]).toEqual([runtime === 'python' ? 'application/json' : 'application/x-protobuf']);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    for (const span of spans) {
      expect(span).toMatchObject({ name: 'POST /buy', resource: { 'k8s.namespace.name': 'traced' }, status: 0 });
      expect(span).toMatchObject({ attributes: { 'url.path': '/buy', 'http.response.status_code': 200 } });
      expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(span.endNs).toBeGreaterThan(span.startNs);
      const parent = byId.get(span.parentId);
      if (span.kind === SERVER && serviceOf(span) !== 'web') {
        expect(parent?.kind).toBe(CLIENT);
        expect(parent?.attributes['server.address']).toBe(serviceOf(span));
      }
      if (span.kind === CLIENT) expect(parent).toMatchObject({ kind: SERVER, resource: span.resource });
    }
    const served = spans.filter(({ kind }) => kind === SERVER).map((span) => String(serviceOf(span)));
    expect(served.toSorted((a, b) => a.localeCompare(b))).toEqual(['cart', 'db', 'db', 'shipping', 'web']);
    const targets = readFileSync((await sim.status()).targets_file, 'utf8');
    for (const span of spans) expect(targets).toContain(`service: "${serviceOf(span)}"`);
  });

  it.each([
    ['skip_call', { callee: 'shipping' }, 'cart db'],
    ['double_call', { callee: 'cart' }, 'cart cart shipping db'],
    ['reorder_calls', {}, 'db shipping cart'],
    ['reorder_calls', { callee: 'cart' }, 'shipping db cart'],
  ] as const)('%s %j: web calls %s', async (type, args, calls) => {
    await sim.fault('web', type, args);
    const [trace = []] = await tracesDuring(calls, (made) => made === calls);
    expect(trace.find(({ parentId }) => parentId === '')).toMatchObject({ status: 0 });
    await sim.clearFault();
    sink.spans.length = 0;
    await tracesDuring('the usual calls', (made) => made === WHOLE);
  });

  it('swallow_error: a call fails, and the request does not', async () => {
    await sim.fault('web', 'swallow_error', { callee: 'shipping', share: 0.8 });
    const traces = await tracesDuring('a failure', (made) => made === 'cart shipping! db');
    await sim.clearFault();
    for (const trace of traces.slice(0, 5)) {
      expect(trace.find(({ parentId }) => parentId === '')).toMatchObject({ status: 0 });
      const failed = trace.filter(({ kind, status }) => kind === SERVER && status === ERROR);
      expect(failed.map((span) => [serviceOf(span), span.attributes['http.response.status_code']])).toEqual([
        ['shipping', 500],
      ]);
    }
    expect((await sim.status()).load?.failures).toBe(0);
  });

  it('skip_call: only a share of the requests, whichever call', async () => {
    sink.spans.length = 0;
    await sim.fault('web', 'skip_call', { share: 0.5 });
    await tracesDuring('all kinds', (made) => made !== WHOLE, 15);
    const kinds = new Set(tracesOf(sink.spans).map(callsOf));
    expect(kinds.has(WHOLE)).toBe(true);
    expect(kinds.size).toBeGreaterThan(2);
  });

  it('compute_pi: the service computes in each request', async () => {
    const used = async () => {
      const { cpu_seconds = 0, requests = 0 } = (await sim.status()).services['cart']?.stats ?? {};
      return { cpu_seconds, requests };
    };
    const perRequest = async () => {
      const before = await used();
      const after = await eventually('cart serves', async () => {
        const now = await used();
        return now.requests - before.requests >= 15 ? now : undefined;
      });
      return (after.cpu_seconds - before.cpu_seconds) / (after.requests - before.requests);
    };
    const usual = await perRequest();
    await sim.fault('cart', 'compute_pi', { digits: 8000 });
    // The figures of a busy machine are late: the first ones may be from before the fault.
    await eventually('cart computes', async () => (await perRequest()) > usual + 0.004 || undefined);
    await sim.clearFault();
  });

  it('disk: the service writes and syncs, and leaves nothing', async () => {
    const { pid } = (await sim.status()).services['cart']!;
    const written = () => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
    const before = written();
    await sim.fault('cart', 'disk', { rate: 10, size: 2 });
    await eventually('cart writes', () => written() - before > 4_000_000);
    await sim.clearFault();
    expect(readdirSync('/var/tmp').filter((name) => name.startsWith('lorikeet-sim-'))).toEqual([]);
    expect(readdirSync(`/proc/${pid}/fd`).length).toBeLessThan(100);
  });
});

it('samples a share of the traces', async () => {
  const sink = new OtlpSink();
  sinks.push(sink);
  const instance = `${sandbox.prefix}-sampled`;
  const topology = sandbox.write('sampled.yaml', TOPOLOGY.replace('10.213.80', '10.213.81'));
  const flags = [`--topology=${topology}`, `--traces=${await sink.listen()}`, '--traces.share=0.3'];
  expect(await sandbox.run(instance, ['up', ...flags])).toMatchObject({ status: 0, stderr: '' });
  const sim = connectSim(sandbox.stateDir(instance));
  await sim.load({ level: 60 });
  await eventually('enough', async () => ((await sim.status()).load?.requests ?? 0) > 150);
  await eventually('traces', () => tracesOf(sink.spans).length > 10);
  const share = tracesOf(sink.spans).length / ((await sim.status()).load?.requests ?? 0);
  expect(share).toBeGreaterThan(0.1);
  expect(share).toBeLessThan(0.5);
  expect((await sandbox.run(instance, ['down'])).status).toBe(0);
});
