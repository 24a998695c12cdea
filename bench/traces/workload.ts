import { randomBytes } from 'node:crypto';
import {
  otlpSpan,
  type TestAttributes,
  type TestResource,
  type TestSpan,
} from '../../scorer/traces/otlp/requests.testdata.ts';

/** Calls between services for one request. A trace has 12 spans. */
const CALLS: readonly (readonly [client: string, server: string])[] = [
  ['front', 'catalog'],
  ['front', 'cart'],
  ['cart', 'catalog'],
  ['front', 'checkout'],
  ['checkout', 'payment'],
];
const SERVICES = ['front', 'catalog', 'cart', 'checkout', 'payment', 'db'];
export const SPANS_A_TRACE = 2 + 2 * CALLS.length;

const id = (bytes: number): string => randomBytes(bytes).toString('hex');

/** Attributes of an SDK's HTTP instrumentation. */
function httpAttributes(path: string): TestAttributes {
  return {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'network.protocol.version': '1.1',
    'server.address': 'catalog.shop.svc.cluster.local',
    'server.port': 8080,
    'url.path': path,
    'url.scheme': 'http',
    'user_agent.original': 'OTel-OTLP-Exporter-JavaScript/0.223.1',
    'client.address': '10.42.17.3',
    'network.peer.port': 41234,
  };
}

/** The spans of one trace by their service. */
function traceSpans(): readonly (readonly [service: string, span: TestSpan])[] {
  const traceId = id(16);
  const start = BigInt(Date.now()) * 1_000_000n;
  let spans = 0n;
  const span = (parentSpanId: string, kind: number, name: string, attributes: TestAttributes): TestSpan => {
    spans += 1_000_000n;
    const [startTimeUnixNano, endTimeUnixNano] = [start + spans, start + 50_000_000n - spans].map(String) as [
      string,
      string,
    ];
    return otlpSpan({
      traceId,
      spanId: id(8),
      parentSpanId,
      kind,
      name,
      attributes,
      startTimeUnixNano,
      endTimeUnixNano,
    });
  };
  const root = span('', 2, 'GET /orders/{id}', httpAttributes(`/orders/${spans}`));
  const serving = new Map([['front', root]]);
  const list: (readonly [string, TestSpan])[] = [['front', root]];
  for (const [client, server] of CALLS) {
    const path = `/${server}/items/${id(2)}`;
    const call = span(serving.get(client)?.spanId ?? '', 3, 'GET', httpAttributes(path));
    const answer = span(call.spanId ?? '', 2, `GET /${server}/items/{item}`, httpAttributes(path));
    serving.set(server, answer);
    list.push([client, call], [server, answer]);
  }
  const query = {
    'db.system.name': 'postgresql',
    'db.namespace': 'orders',
    'server.address': 'db',
    'db.query.text': 'SELECT * FROM orders WHERE id = $1 AND customer = $2',
  };
  list.push(['payment', span(serving.get('payment')?.spanId ?? '', 3, 'SELECT orders', query)]);
  return list;
}

/** `count` traces, grouped by resource as in a Collector's batch. */
export function tracesAsResources(count: number): readonly TestResource[] {
  const byService = new Map<string, TestSpan[]>(SERVICES.map((service) => [service, []]));
  for (let i = 0; i < count; i++) for (const [service, span] of traceSpans()) byService.get(service)?.push(span);
  return [...byService].map(([service, spans]) => ({
    resource: {
      'service.name': service,
      'k8s.namespace.name': 'shop',
      'k8s.deployment.name': service,
      'k8s.pod.name': `${service}-6f6cfc45b-d9pnv`,
      'telemetry.sdk.language': 'nodejs',
    },
    spans,
  }));
}
