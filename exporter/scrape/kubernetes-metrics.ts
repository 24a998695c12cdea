import { Counter, Gauge, type Registry } from 'prom-client';
import type { KubernetesSource } from '../identity/kubernetes/kubernetes-source.ts';

const PREFIX = 'lorikeet_exporter_kubernetes_';

/** Metrics about the exporter's use of the Kubernetes API. */
export class KubernetesMetrics {
  readonly #up: Gauge<'resource'>;
  readonly #objects: Gauge<'resource'>;
  readonly #lists: Counter<'resource'>;
  readonly #watches: Counter<'resource'>;
  readonly #events: Counter<'resource'>;
  readonly #failures: Counter<'resource'>;
  readonly #rejected: Counter;
  readonly #ambiguous: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string): Gauge<'resource'> =>
      new Gauge({ name: PREFIX + name, help, labelNames: ['resource'], registers });
    const counter = (name: string, help: string): Counter<'resource'> =>
      new Counter({ name: PREFIX + name, help, labelNames: ['resource'], registers });
    this.#up = gauge('up', 'Whether the exporter can read these objects. If 0, it keeps using the last list.');
    this.#objects = gauge('objects', 'Objects in the local list.');
    this.#lists = counter('lists_total', 'List requests, one for each page.');
    this.#watches = counter('watches_total', 'Watch requests.');
    this.#events = counter('events_total', 'Events received from watches.');
    this.#failures = counter('failures_total', 'Failed or interrupted requests.');
    this.#rejected = new Counter({
      name: `${PREFIX}rejected_annotations_total`,
      help: 'Invalid annotations of pods and namespaces.',
      registers,
    });
    this.#ambiguous = new Gauge({
      name: `${PREFIX}ambiguous_services`,
      help: 'Services with more than one workload behind them. Calls to them are attributed to the service itself.',
      registers,
    });
  }

  update({ reflectors, rejectedAnnotations, ambiguousServices }: KubernetesSource): void {
    for (const { name: resource, synced, failure, objects, counts } of reflectors) {
      this.#up.set({ resource }, synced && failure === undefined ? 1 : 0);
      this.#objects.set({ resource }, objects.size);
      setCounter(this.#lists, resource, counts.lists);
      setCounter(this.#watches, resource, counts.watches);
      setCounter(this.#events, resource, counts.events);
      setCounter(this.#failures, resource, counts.failures);
    }
    this.#rejected.reset();
    this.#rejected.inc(rejectedAnnotations);
    this.#ambiguous.set(ambiguousServices);
  }
}

function setCounter(counter: Counter<'resource'>, resource: string, total: number): void {
  counter.remove({ resource });
  counter.inc({ resource }, total);
}
