import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { assemble } from './assemble.ts';
import { EndpointDurations } from './endpoint-durations.ts';
import { service, span } from './spans.testdata.ts';

const request = (name: string, path: string, durationMs = 100) =>
  assemble([
    span('call', undefined, { kind: 'client', durationMs: 2 * durationMs }),
    span('answer', 'call', { kind: 'server', service: service(name), name: `GET ${path}`, durationMs }),
  ]);

async function counts(registry: Registry): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n');
  return lines.flatMap((line) => {
    const [, name, endpoint, value] = /_seconds_count\{.*service="(.*)",endpoint="(.*)"\} (.*)/.exec(line) ?? [];
    return value === undefined ? [] : [`${name} ${endpoint} ${value}`];
  });
}

describe('EndpointDurations', () => {
  it('counts server spans by clustered operation', async () => {
    const registry = new Registry();
    const durations = new EndpointDurations({ maxEndpoints: 10, idleMs: 1000 }, registry);
    durations.add(request('cart', '/items/1'), 0);
    durations.add(request('cart', '/items/2', 300), 0);
    const text = await registry.metrics();
    const labels = '{namespace="shop",service="cart",endpoint="GET /items/{id}"}';
    expect(text).toContain(`lorikeet_endpoint_request_duration_seconds_sum${labels} 0.4\n`);
    expect(text).toContain(`lorikeet_endpoint_request_duration_seconds_count${labels} 2\n`);
  });

  it('bounds its endpoints and forgets idle ones', async () => {
    const registry = new Registry();
    const durations = new EndpointDurations({ maxEndpoints: 2, idleMs: 1000 }, registry);
    for (const path of ['/a', '/b', '/c', '/d', '/a']) durations.add(request('cart', path), 0);
    durations.add(request('front', '/e'), 0);
    expect(await counts(registry)).toEqual(['cart GET /a 2', 'cart GET /b 1', 'cart other 2', 'front other 1']);
    expect(await registry.metrics()).toContain('lorikeet_scorer_trace_endpoint_overflows_total 3\n');
    durations.add(request('cart', '/a'), 500);
    durations.expire(1200);
    expect(await counts(registry)).toEqual(['cart GET /a 3']);
  });

  it('has the further labels of services', async () => {
    const registry = new Registry();
    const durations = new EndpointDurations({ maxEndpoints: 10, idleMs: 1000 }, registry, { labels: ['cluster'] });
    for (const cluster of ['a', 'b']) {
      const { spans, ...trace } = request('cart', '/items/1');
      durations.add({ ...trace, spans: spans.map((one) => ({ ...one, service: { ...one.service, cluster } })) }, 0);
    }
    const text = await registry.metrics();
    for (const cluster of ['a', 'b']) {
      const labels = `{namespace="shop",service="cart",cluster="${cluster}",endpoint="GET /items/{id}"}`;
      expect(text).toContain(`lorikeet_endpoint_request_duration_seconds_count${labels} 1\n`);
    }
  });
});
