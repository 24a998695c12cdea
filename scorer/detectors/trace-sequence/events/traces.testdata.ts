import { Random } from '../../../numeric/random.ts';
import { assemble } from '../../../traces/assemble.ts';
import type { EventSpan } from './call-tree.ts';
import type { Span, Trace } from '../../../traces/span.ts';

/** A call of a request, and the calls that it leads to. */
export interface Route {
  readonly service: string;
  readonly operation: string;
  readonly parallel?: boolean;
  /** 0..1; 1 if left out. */
  readonly probability?: number;
  /** Milliseconds that the service works itself. */
  readonly ms?: number;
  readonly calls?: readonly Route[];
}

/** A shop with sequential and parallel calls, some of which aren't always made. */
export const SHOP: readonly { readonly weight: number; readonly route: Route }[] = [
  {
    weight: 5,
    route: {
      service: 'front',
      operation: 'GET /home',
      parallel: true,
      calls: [
        { service: 'catalog', operation: 'GET /products', calls: [{ service: 'stock', operation: 'GET /stock' }] },
        { service: 'ads', operation: 'GET /ads', probability: 0.7 },
        { service: 'recommend', operation: 'GET /recommendations', ms: 9 },
        { service: 'currency', operation: 'GET /rates' },
        { service: 'news', operation: 'GET /news' },
      ],
    },
  },
  {
    weight: 3,
    route: {
      service: 'front',
      operation: 'POST /checkout',
      calls: [
        { service: 'cart', operation: 'GET /cart', calls: [{ service: 'stock', operation: 'GET /stock' }] },
        { service: 'currency', operation: 'GET /rates' },
        {
          service: 'payment',
          operation: 'POST /charge',
          ms: 20,
          calls: [{ service: 'fraud', operation: 'POST /check', probability: 0.5 }],
        },
        { service: 'shipping', operation: 'POST /ship' },
      ],
    },
  },
  {
    weight: 1,
    route: {
      service: 'front',
      operation: 'GET /cart',
      calls: [
        {
          service: 'cart',
          operation: 'GET /cart',
          calls: [
            { service: 'stock', operation: 'GET /stock' },
            { service: 'stock', operation: 'GET /stock', probability: 0.5 },
          ],
        },
        { service: 'recommend', operation: 'GET /recommendations', ms: 9 },
      ],
    },
  },
];

/** What is wrong with a service's calls. */
export interface CallFault {
  readonly type: 'skip' | 'double' | 'reorder' | 'fail' | 'swallow' | 'slow' | 'slow_way' | 'new' | 'crash';
  readonly service: string;
  /** Whom the calls are to. */
  readonly callee?: string;
  /** Share of the requests; 1 if left out. */
  readonly share?: number;
}

/** Share of the requests of each service that fail in fault-free time. */
const USUAL_FAILURES = 0.002;

/** Makes traces of a topology as OpenTelemetry's SDKs do: a client and a server span for each call. */
export class TraceGenerator {
  readonly #random: Random;
  readonly #routes: readonly { readonly weight: number; readonly route: Route }[];
  #fault: CallFault | undefined;
  #spans: EventSpan[] = [];
  #count = 0;

  constructor(seed: number, routes = SHOP) {
    this.#random = new Random(seed);
    this.#routes = routes;
  }

  traces(count: number, fromMs: number, fault?: CallFault): Trace[] {
    return Array.from({ length: count }, (_, index) => this.trace(fromMs + index * 100, fault));
  }

  trace(atMs: number, fault?: CallFault): Trace {
    this.#spans = [];
    this.#fault = fault;
    const total = this.#routes.reduce((sum, { weight }) => sum + weight, 0);
    let drawn = this.#random.uniform() * total;
    const chosen = this.#routes.find(({ weight }) => (drawn -= weight) < 0) ?? this.#routes[0]!;
    this.#serve(chosen.route, undefined, atMs, false);
    const traceId = `trace-${this.#count++}`;
    return assemble(this.#spans.map((span) => ({ ...span, traceId })));
  }

  /** @returns when it has answered, and whether it failed */
  #serve(route: Route, parentId: string | undefined, atMs: number, made: boolean): { endMs: number; failed: boolean } {
    const { service, operation, ms = 3, parallel = false } = route;
    const fault = this.#faultOf(service);
    const spanId = this.#id();
    const slow = fault?.type === 'slow' ? 10 : 1;
    let now = atMs + ms * slow * 0.5 * Math.exp(0.3 * this.#random.normal());
    let failed = made || fault?.type === 'fail' || this.#random.uniform() < USUAL_FAILURES;
    if (!failed) {
      const calls = this.#callsOf(route, fault);
      const start = now;
      for (const call of parallel ? this.#shuffled(calls) : calls) {
        const from = parallel ? start + 0.4 * this.#random.uniform() : now;
        const swallowed = fault?.type === 'swallow' && call.service === fault.callee;
        const { endMs, failed: broken } = this.#call(service, call, spanId, from, swallowed);
        now = Math.max(now, endMs);
        if (!broken || swallowed) continue;
        failed = true;
        if (!parallel) break;
      }
      now += ms * slow * 0.5 * Math.exp(0.3 * this.#random.normal());
    }
    this.#spans.push(spanOf({ spanId, parentId, service, operation, kind: 'server', atMs, endMs: now, failed }));
    return { endMs: now, failed };
  }

  #call(source: string, route: Route, parentId: string, atMs: number, made: boolean) {
    const spanId = this.#id();
    const delayed = [source, route.service].some((end) => this.#faultOf(end)?.type === 'slow_way');
    const way = (delayed ? 40 : 0.5) * Math.exp(0.3 * this.#random.normal());
    const crashed = this.#faultOf(route.service)?.type === 'crash';
    const { endMs, failed } = crashed ? { endMs: atMs, failed: true } : this.#serve(route, spanId, atMs + way, made);
    const span = { spanId, parentId, service: source, operation: 'HTTP', kind: 'client' as const, failed };
    this.#spans.push({
      ...spanOf({ ...span, atMs, endMs: endMs + way }),
      peer: { name: route.service, database: false },
    });
    return { endMs: endMs + way, failed };
  }

  #callsOf({ calls = [] }: Route, fault: CallFault | undefined): Route[] {
    const made = calls.filter(({ probability = 1 }) => this.#random.uniform() < probability);
    switch (fault?.type) {
      case 'skip':
        return made.filter(({ service }) => service !== fault.callee);
      case 'double':
        return made.flatMap((call) => (call.service === fault.callee ? [call, call, call] : [call]));
      case 'reorder':
        return made.toReversed();
      case 'new':
        return [...made, { service: fault.callee!, operation: 'GET /fallback' }];
      default:
        return made;
    }
  }

  #faultOf(service: string): CallFault | undefined {
    const { service: faulty, share = 1 } = this.#fault ?? {};
    return faulty === service && (share === 1 || this.#random.uniform() < share) ? this.#fault : undefined;
  }

  #shuffled(calls: readonly Route[]): Route[] {
    const order = Uint32Array.from(calls.keys());
    this.#random.shuffle(order);
    return Array.from(order, (index) => calls[index]!);
  }

  #id(): string {
    return `span-${this.#count++}`;
  }
}

interface SpanParts {
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly service: string;
  readonly operation: string;
  readonly kind: Span['kind'];
  readonly atMs: number;
  readonly endMs: number;
  readonly failed: boolean;
}

function spanOf({ spanId, parentId, service, operation, kind, atMs, endMs, failed }: SpanParts): Span {
  return {
    traceId: '',
    spanId,
    parentId,
    kind,
    failed,
    name: operation,
    url: undefined,
    service: { namespace: 'shop', service },
    startMs: atMs,
    durationMs: endMs - atMs,
  };
}
