import { z } from 'zod';
import type { ServiceName } from './service-key.ts';

/** Labels of a series, by name. */
export type SeriesLabels = Readonly<Record<string, string>>;

/** Names and values of an identity's labels that select services: those which it lacks may have any value. */
export type Scope = Readonly<Record<string, string>>;

/** Which labels of a series say whose it is: `namespace` and `service`, and those of `identity.labels`. */
export class Identity {
  /** The further labels, in the order in which they are configured. */
  readonly labels: readonly string[];

  constructor(labels: readonly string[] = []) {
    this.labels = labels;
  }

  /** The service that a series is about; undefined if it lacks `namespace` or `service`. */
  service(labels: SeriesLabels): ServiceName | undefined {
    const { namespace, service } = labels;
    return namespace && service ? this.#named(labels, namespace, service) : undefined;
  }

  /** The ends of the edge that a series is about, in one place; undefined if it lacks the service of one of them. */
  edge(labels: SeriesLabels): { readonly client: ServiceName; readonly server: ServiceName } | undefined {
    const {
      client_namespace: clientNamespace = '',
      client_service: client,
      server_namespace: serverNamespace = '',
      server_service: server,
    } = labels;
    if (!client || !server) return undefined;
    return {
      client: this.#named(labels, clientNamespace, client),
      server: this.#named(labels, serverNamespace, server),
    };
  }

  /** The place that a series is about, for keys that don't name a service: its namespace may be missing, too. */
  place(labels: SeriesLabels): ServiceName {
    return this.#named(labels, labels['namespace'] ?? '', '');
  }

  /** True if a service lacks one of the further labels. */
  isPartial(name: ServiceName): boolean {
    return this.labels.some((label) => name[label] === undefined);
  }

  /** The services that a series selects: those with the labels of an identity that it has. */
  scope(labels: SeriesLabels): Scope {
    const names = [...this.labels, 'namespace', 'service'];
    return Object.fromEntries(names.flatMap((name) => (isPresent(labels[name]) ? [[name, labels[name]]] : [])));
  }

  /** The list of labels to aggregate by, for PromQL: `cluster, namespace, service`. */
  get by(): string {
    return [...this.labels, 'namespace', 'service'].join(', ');
  }

  #named(labels: SeriesLabels, namespace: string, service: string): ServiceName {
    // Called for each series of a cycle.
    if (this.labels.length === 0) return { namespace, service };
    const name: Record<string, string> = {};
    for (const label of this.labels) {
      const value = labels[label];
      if (isPresent(value)) name[label] = value;
    }
    return { ...name, namespace, service };
  }
}

/** Labels are plain objects, which inherit what isn't text. An empty label is a missing one, as in Prometheus. */
function isPresent(value: string | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

/** True if a scope selects the service. */
export function selects(scope: Scope, name: ServiceName): boolean {
  return Object.entries(scope).every(([label, value]) => name[label] === value);
}

/** Labels that the series themselves have. A label of the identity with such a name would be one of two things. */
const TAKEN: ReadonlySet<string> = new Set(
  (
    'namespace service pod endpoint instance version feature channel unit detector bound shard kind event expected ' +
    'pattern direction le quantile alertname alertstate severity client client_namespace client_service server ' +
    'server_namespace server_service server_port connection_type id source target title subtitle mainstat icon ' +
    'secondarystat color role'
  ).split(' '),
);
const EXPECTED = 'expected the name of a label, such as cluster';

/** The name of a label that services may have beside those of every series. */
export const identityLabelSchema = z
  .string(EXPECTED)
  .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, EXPECTED)
  .refine((name) => !name.startsWith('__'), EXPECTED)
  .refine((name) => !TAKEN.has(name), 'expected a label that the series of Lorikeet do not have themselves');

/** The section `identity` of scorer.yaml. */
export const identitySchema = z
  .strictObject({
    labels: z
      .array(identityLabelSchema)
      .refine((labels) => new Set(labels).size === labels.length, 'expected each label once')
      .default([]),
  })
  .prefault({})
  .transform(({ labels }) => new Identity(labels));
