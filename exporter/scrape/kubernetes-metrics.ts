import { Counter, Gauge, type Registry } from 'prom-client';
import type { KubernetesSource } from '../identity/kubernetes/kubernetes-source.ts';

const PREFIX = 'lorikeet_exporter_kubernetes_';

/** What the exporter says about what it learns from the Kubernetes API. */
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
    this.#up = gauge('up', 'Whether these objects can be read; otherwise what was known last holds.');
    this.#objects = gauge('objects', 'Objects that are known.');
    this.#lists = counter('lists_total', 'Requests for a page of a list.');
    this.#watches = counter('watches_total', 'Requests for a watch.');
    this.#events = counter('events_total', 'Changes of objects that a watch told.');
    this.#failures = counter('failures_total', 'Requests that failed or broke.');
    this.#rejected = new Counter({
      name: `${PREFIX}rejected_annotations_total`,
      help: 'Annotations of pods and namespaces that are not what they should be.',
      registers,
    });
    this.#ambiguous = new Gauge({
      name: `${PREFIX}ambiguous_services`,
      help: 'Services with more than one workload behind them, which are named by themselves.',
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
