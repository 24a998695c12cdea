import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { assemble } from '../assemble.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { service, span } from '../spans.testdata.ts';
import { callsOf } from './calls.ts';
import { ServiceGraph } from './service-graph.ts';

function received(id: string, parent: string | undefined, more: Partial<ReceivedSpan>): ReceivedSpan {
  return { ...span(id, parent, more), peer: undefined, ...more };
}

const front = { service: service('front') };
const cart = { service: service('cart') };

/** `client>server type failed client-seconds server-seconds` of all calls. */
const calls = (spans: readonly ReceivedSpan[]) =>
  [...callsOf(assemble(spans))].map(
    (call) =>
      `${call.client.service}>${call.server.service} ${call.connectionType} ${call.failed} ${call.clientSeconds} ${call.serverSeconds}`,
  );

describe('callsOf', () => {
  it('pairs a client span with the server span below it', () => {
    const spans = [
      received('root', undefined, { ...front, kind: 'server', durationMs: 100 }),
      received('inner', 'root', { ...front }),
      received('call', 'inner', { ...front, kind: 'client', durationMs: 50, startMs: 10 }),
      received('answer', 'call', { ...cart, kind: 'server', durationMs: 20, startMs: 20 }),
    ];
    expect(calls(spans)).toEqual(['user>front virtual_node false undefined 0.1', 'front>cart  false 0.05 0.02']);
  });

  it.each<[string, Partial<ReceivedSpan>, Partial<ReceivedSpan>, string]>([
    ['the client failed', { kind: 'client', failed: true }, { kind: 'server' }, 'front>cart  true 0.01 0.01'],
    ['the server failed', { kind: 'client' }, { kind: 'server', failed: true }, 'front>cart  true 0.01 0.01'],
    ['a message', { kind: 'producer' }, { kind: 'consumer' }, 'front>cart messaging_system false 0.01 0.01'],
    [
      'a peer that has spans',
      { kind: 'client', peer: { name: 'x', database: false } },
      { kind: 'server' },
      'front>cart  false 0.01 0.01',
    ],
  ])('%s', (_name, client, server, expected) => {
    expect(calls([received('a', 'gone', { ...front, ...client }), received('b', 'a', { ...cart, ...server })])).toEqual(
      [expected],
    );
  });

  it.each<[string, ReceivedSpan['peer'], string[]]>([
    ['that nobody names', undefined, []],
    ['of a peer', { name: 'stripe', database: false }, ['front>stripe virtual_node false 0.01 undefined']],
    ['of a database', { name: 'orders', database: true }, ['front>orders database false 0.01 0.01']],
  ])('a call %s', (_name, peer, expected) => {
    expect(calls([received('a', 'gone', { ...front, kind: 'client', peer })])).toEqual(expected);
  });

  it('takes no server span for a call whose caller is missing, or is no call', () => {
    expect(calls([received('a', 'gone', { ...cart, kind: 'server' })])).toEqual([]);
    expect(
      calls([received('a', 'gone', { ...front, kind: 'server' }), received('b', 'a', { ...cart, kind: 'server' })]),
    ).toEqual([]);
  });
});

describe('ServiceGraph', () => {
  const trace = (server: string, failed = false) =>
    assemble([
      received('call', 'gone', { ...front, kind: 'client', durationMs: 50 }),
      received('answer', 'call', { service: service(server), kind: 'server', durationMs: 20, failed }),
    ]);
  const lines = async (registry: Registry) =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#') && !line.includes('_bucket'));

  it('has the names and labels of Tempo and of the Collector', async () => {
    const registry = new Registry();
    const graph = new ServiceGraph({ maxEdges: 10, idleMs: 1000 }, registry);
    graph.add(trace('cart'), 0);
    graph.add(trace('cart', true), 0);
    const labels =
      '{client="front",server="cart",connection_type="",client_k8s_namespace_name="shop",server_k8s_namespace_name="shop"}';
    expect(await lines(registry)).toEqual([
      `traces_service_graph_request_total${labels} 2`,
      `traces_service_graph_request_failed_total${labels} 1`,
      `traces_service_graph_request_server_seconds_sum${labels} 0.04`,
      `traces_service_graph_request_server_seconds_count${labels} 2`,
      `traces_service_graph_request_client_seconds_sum${labels} 0.1`,
      `traces_service_graph_request_client_seconds_count${labels} 2`,
      'lorikeet_scorer_trace_edges 1',
      'lorikeet_scorer_trace_calls_dropped_total 0',
    ]);
  });

  it('bounds its edges and forgets idle ones', async () => {
    const registry = new Registry();
    const graph = new ServiceGraph({ maxEdges: 2, idleMs: 1000 }, registry);
    const edges = async () =>
      (await lines(registry))
        .filter((line) => /request_total/.test(line))
        .map((line) => /server="(\w+)"/.exec(line)?.[1]);
    for (const server of ['a', 'b', 'c', 'c']) graph.add(trace(server), 0);
    expect(await edges()).toEqual(['a', 'b']);
    expect(await lines(registry)).toContain('lorikeet_scorer_trace_calls_dropped_total 2');
    graph.add(trace('b'), 500);
    graph.expire(1200);
    expect(await edges()).toEqual(['b']);
    graph.add(trace('c'), 1300);
    expect(await edges()).toEqual(['b', 'c']);
    graph.expire(9999);
    expect((await lines(registry)).filter((line) => line.startsWith('traces_'))).toEqual([]);
  });

  it('has the further labels of services once, and what is in another cluster outside', async () => {
    const registry = new Registry();
    const graph = new ServiceGraph({ maxEdges: 10, idleMs: 1000 }, registry, ['cluster']);
    const call = (cluster: string, spans: string) =>
      assemble([
        received(`call-${spans}`, 'gone', { service: { ...front.service, cluster: 'a' }, kind: 'client' }),
        received(`answer-${spans}`, `call-${spans}`, { service: { ...service('cart'), cluster }, kind: 'server' }),
      ]);
    graph.add(call('a', '1'), 0);
    graph.add(call('b', '2'), 0);
    const seen = (await lines(registry)).filter((line) => /request_total/.test(line));
    expect(seen).toHaveLength(2);
    for (const line of seen) expect(line).toMatch(/\{cluster="a",client="front".*client_k8s_namespace_name="shop"/);
    expect(seen.map((line) => /server_k8s_namespace_name="(\w+)"/.exec(line)?.[1])).toEqual(['shop', 'external']);
  });
});
