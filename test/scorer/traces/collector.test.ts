import { expect, it } from 'vitest';
import { jsonRequest, otlpSpan } from '../../../scorer/traces/otlp/requests.testdata.ts';
import { describeWith } from '../../skips/describe-with.ts';
import { OTEL_COLLECTOR } from '../../skips/needs.ts';
import { otelCollector, startOtelCollector } from '../../testserver/otel-collector.ts';
import { until } from '../../until.ts';
import { JSON_HEADERS, post, receive } from './receiver-bed.ts';

const RESOURCE = { 'service.name': 'cart', 'k8s.namespace.name': 'shop', 'k8s.deployment.name': 'cart-v2' };
const root = otlpSpan({ spanId: 'aaaaaaaaaaaaaaaa', parentSpanId: '' });
const child = otlpSpan({ parentSpanId: 'aaaaaaaaaaaaaaaa' });

describeWith([OTEL_COLLECTOR], 'a real Collector', () => {
  it.each([
    ['protobuf and gzip, its default', {}],
    ['JSON', { encoding: 'json', compression: 'none' }],
  ])('sends traces on by %s', async (_name, settings) => {
    const { address, traces, metric } = await receive();
    const collector = await startOtelCollector(otelCollector() ?? '', { endpoint: `http://${address}`, ...settings });
    try {
      const sent = jsonRequest([{ resource: RESOURCE, spans: [root, child] }]);
      expect((await post(`${collector.url}/v1/traces`, sent, JSON_HEADERS)).status).toBe(200);
      await until('the trace', () => traces.length === 1, { seen: () => collector.log.join('') });
      expect(traces[0]).toMatchObject({ complete: true, root: { service: { namespace: 'shop', service: 'cart-v2' } } });
      expect(await metric('lorikeet_scorer_spans_received_total')).toBe(2);
    } finally {
      await collector.stop();
    }
  });

  it('reports the spans that were rejected, and does not send them again', async () => {
    const { address, metric } = await receive({ keys: { max_spans_per_trace: 1 } });
    const collector = await startOtelCollector(otelCollector() ?? '', { endpoint: `http://${address}` });
    try {
      await post(
        `${collector.url}/v1/traces`,
        jsonRequest([{ resource: RESOURCE, spans: [root, child] }]),
        JSON_HEADERS,
      );
      await until('a line about it', () => collector.log.join('').includes('expected traces of at most 1 spans'), {
        seen: () => collector.log.join(''),
      });
      expect(await metric('lorikeet_scorer_trace_requests_total{code="200"}')).toBe(1);
    } finally {
      await collector.stop();
    }
  });

  it('sends again what nobody took', async () => {
    const { address, traces, receiver } = await receive();
    await receiver.stop();
    const collector = await startOtelCollector(otelCollector() ?? '', {
      endpoint: `http://${address}`,
      retry_on_failure: { initial_interval: '200ms' },
    });
    try {
      await post(`${collector.url}/v1/traces`, jsonRequest([{ resource: RESOURCE, spans: [root] }]), JSON_HEADERS);
      const again = await receive({ keys: { listen_address: address } });
      await until('the trace', () => again.traces.length === 1, { timeoutMs: 20_000 });
      expect(traces).toEqual([]);
    } finally {
      await collector.stop();
    }
  });
});
