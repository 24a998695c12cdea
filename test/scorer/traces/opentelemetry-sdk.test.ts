import { context, SpanKind, SpanStatusCode, trace as api } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it } from 'vitest';
import { until } from '../../until.ts';
import { receive } from './receiver-bed.ts';

const GZIP = 'gzip' as NonNullable<ConstructorParameters<typeof JsonExporter>[0]>['compression'] & string;

/** Two services, one SDK each, that make a trace together: front asks cart, which asks its database and fails. */
async function makeTrace(exporterOf: () => SpanExporter): Promise<void> {
  const providers = ['front', 'cart'].map(
    (name) =>
      new BasicTracerProvider({
        resource: resourceFromAttributes({ 'service.name': name, 'k8s.namespace.name': 'shop' }),
        spanProcessors: [new BatchSpanProcessor(exporterOf())],
      }),
  );
  const [front, cart] = providers.map((provider) => provider.getTracer('test'));
  const root = front!.startSpan('GET /', {
    kind: SpanKind.SERVER,
    root: true,
    attributes: { 'url.path': '/', many: ['a', 'b'] },
  });
  const inRoot = api.setSpan(context.active(), root);
  const call = front!.startSpan('GET', { kind: SpanKind.CLIENT }, inRoot);
  const answer = cart!.startSpan('GET /cart', { kind: SpanKind.SERVER }, api.setSpan(inRoot, call));
  const query = cart!.startSpan(
    'SELECT',
    { kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'postgresql', 'server.address': 'pg' } },
    api.setSpan(inRoot, answer),
  );
  query.recordException(new Error('gone'));
  query.setStatus({ code: SpanStatusCode.ERROR, message: 'gone' });
  for (const span of [query, answer, call, root]) span.end();
  for (const provider of providers) {
    await provider.forceFlush();
    await provider.shutdown();
  }
}

describe.each([
  ['protobuf', (url: string) => new ProtobufExporter({ url })],
  ['protobuf and gzip', (url: string) => new ProtobufExporter({ url, compression: GZIP })],
  ['JSON', (url: string) => new JsonExporter({ url })],
  ['JSON and gzip', (url: string) => new JsonExporter({ url, compression: GZIP })],
] as const)("OpenTelemetry's own SDK by %s", (_name, exporterTo) => {
  it('sends traces and the edges in them', async () => {
    const { url, traces, metric } = await receive({ keys: { service_graph: true } });
    await makeTrace(() => exporterTo(url));
    await until('the trace', () => traces.length === 1);
    const [trace] = traces;
    expect(trace?.complete).toBe(true);
    expect(trace?.spans.map((span) => [span.service.service, span.kind, span.name, span.failed])).toEqual([
      ['front', 'server', 'GET /', false],
      ['front', 'client', 'GET', false],
      ['cart', 'server', 'GET /cart', false],
      ['cart', 'client', 'SELECT', true],
    ]);
    expect(trace?.root).toMatchObject({ service: { namespace: 'shop', service: 'front' }, url: '/' });
    expect(Math.abs((trace?.root?.startMs ?? 0) - Date.now())).toBeLessThan(60_000);
    const edge = (client: string, server: string, type: string, namespaces: readonly [string, string]) =>
      `{client="${client}",server="${server}",connection_type="${type}",client_k8s_namespace_name="${namespaces[0]}",server_k8s_namespace_name="${namespaces[1]}"}`;
    const total = 'traces_service_graph_request_total';
    expect(await metric(total + edge('front', 'cart', '', ['shop', 'shop']))).toBe(1);
    expect(await metric(total + edge('user', 'front', 'virtual_node', ['external', 'shop']))).toBe(1);
    const database = edge('cart', 'pg', 'database', ['shop', 'external']);
    expect(await metric(`traces_service_graph_request_failed_total${database}`)).toBe(1);
  });
});
