import { setImmediate } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import { notFound } from '../../../daemon/http-server/common-pages.ts';
import type { Listen } from '../../../daemon/http-server/kept-listeners.ts';
import { listen, type ListenOptions, runHandlers } from '../../../daemon/http-server/web-app.ts';
import { StopStack } from '../../../daemon/lifecycle.ts';
import { ConditionLog, type Logger } from '../../../daemon/logger.ts';
import type { WebConfigFile } from '../../../daemon/web-config/web-config-file.ts';
import type { TracesConfig } from '../config.ts';
import { ServiceGraph } from '../graph/service-graph.ts';
import { TraceMetrics } from '../metrics.ts';
import { otlpEndpoint } from '../otlp/endpoint.ts';
import { Rejection } from '../otlp/error.ts';
import type { ReceivedSpan } from '../received-span.ts';
import type { Trace } from '../span.ts';
import { TraceStore } from '../trace-store.ts';

export interface TraceReceiverOptions {
  readonly config: TracesConfig;
  /** Further labels of services, which resource attributes give. Default: none. */
  readonly labels?: readonly string[];
  readonly registry: Registry;
  /** TLS and basic auth. Default: neither. */
  readonly web?: WebConfigFile | undefined;
  readonly logger: Logger;
  readonly limits?: ListenOptions['limits'];
  /** Default: a listener of its own. */
  readonly listen?: Listen | undefined;
}

export type TraceListener = (trace: Trace) => void;

/** Interval of the search for traces that are due, and the time after which the rest of the program gets a turn. */
const SWEEP_MS = 1000;
const SLICE_MS = 5;

/** Receives spans over HTTP and hands over traces. */
export class TraceReceiver {
  readonly #options: TraceReceiverOptions;
  readonly #metrics: TraceMetrics;
  readonly #store: TraceStore<ReceivedSpan>;
  readonly #graph: ServiceGraph | undefined;
  readonly #listeners: TraceListener[] = [];
  readonly #conditions: ConditionLog;
  readonly #stops = new StopStack();
  #sweeping: Promise<void> = Promise.resolve();

  constructor(options: TraceReceiverOptions) {
    const { config, registry, logger, labels = [] } = options;
    this.#options = options;
    this.#conditions = new ConditionLog(logger);
    this.#metrics = new TraceMetrics(registry);
    this.#store = new TraceStore<ReceivedSpan>(
      {
        waitMs: config.wait,
        maxAgeMs: config.max_age,
        maxTraces: config.max_traces,
        maxSpans: config.max_spans,
        maxSpansPerTrace: config.max_spans_per_trace,
        maxBytes: config.max_bytes,
      },
      (reason, spans) => this.#metrics.dropped.inc({ reason }, spans),
    );
    this.#graph = config.service_graph
      ? new ServiceGraph({ maxEdges: config.max_edges, idleMs: config.edge_idle }, registry, labels)
      : undefined;
  }

  /**
   * Calls `listener` with each trace from now on. It runs on the event loop between requests, so it has to be quick.
   */
  onTrace(listener: TraceListener): void {
    this.#listeners.push(listener);
  }

  /** @returns the address that it listens on. @throws UsageError, ListenError */
  async start(): Promise<string> {
    const { config, web, logger, limits, listen: bind = listen } = this.#options;
    const handlers = [...(web === undefined ? [] : [web.before]), this.#endpoint(), notFound];
    const createServer = web?.createServer;
    const listener = await bind(runHandlers(handlers, logger), config.listen_address, {
      ...(createServer !== undefined && { createServer }),
      ...(limits !== undefined && { limits }),
    });
    this.#stops.onStop('traces', () => listener.close());
    const timer = setInterval(() => void this.sweep(), Math.min(SWEEP_MS, config.wait / 2)).unref();
    this.#stops.onStop('sweep', () => clearInterval(timer));
    logger.info('receiving traces', { address: listener.address });
    return listener.address;
  }

  async stop(): Promise<void> {
    await this.#stops.stop();
    await this.#sweeping;
  }

  /** Hands over the traces that are due. One sweep runs at a time. */
  sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.then(() => this.#handOver());
    return this.#sweeping;
  }

  async #handOver(): Promise<void> {
    const startedMs = performance.now();
    let pauseAt = startedMs + SLICE_MS;
    for (const trace of this.#store.due(startedMs)) {
      this.#metrics.completed.inc({ complete: String(trace.complete) });
      this.#graph?.add(trace, startedMs);
      for (const listener of this.#listeners) this.#notify(listener, trace);
      if (performance.now() < pauseAt) continue;
      await setImmediate();
      pauseAt = performance.now() + SLICE_MS;
    }
    this.#graph?.expire(startedMs);
    this.#metrics.setSize(this.#store.size);
  }

  #notify(listener: TraceListener, trace: Trace): void {
    try {
      listener(trace);
      this.#conditions.recovered('listener', 'traces are used again');
    } catch (error) {
      this.#conditions.failing('listener', 'trace not used', error);
    }
  }

  #endpoint() {
    const { config, labels = [] } = this.#options;
    const endpoint = otlpEndpoint({
      maxBody: config.max_body,
      defaultNamespace: config.namespace,
      labels,
      onSpan: (span) => this.#take(span),
      onInvalid: () => {
        this.#metrics.received.inc();
        this.#metrics.dropped.inc({ reason: 'invalid' });
      },
    });
    return (...[request, response, next]: Parameters<typeof endpoint>) => {
      response.once('finish', () => this.#metrics.requests.inc({ code: String(response.statusCode) }));
      return endpoint(request, response, next);
    };
  }

  #take(span: ReceivedSpan): Rejection | undefined {
    this.#metrics.received.inc();
    const refused = this.#store.add(span, performance.now());
    // Duplicates and late spans are no mistakes of the sender.
    if (refused !== 'trace_too_large') return undefined;
    return new Rejection(`expected traces of at most ${this.#options.config.max_spans_per_trace} spans`);
  }
}
