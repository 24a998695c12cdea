/** Identity of a service: its labels `namespace` and `service`, and those that `identity.labels` adds. */
export interface ServiceName {
  readonly namespace: string;
  readonly service: string;
  /** A further label of the identity, never empty. */
  readonly [label: string]: string;
}

/** The further labels of an identity, by name; undefined without any. */
type Labels = Readonly<Record<string, string>>;

/** What a name has beside further labels. */
const OWN: ReadonlySet<string> = new Set(['namespace', 'service', 'instance']);
const NO_LABELS: Labels = {};

/**
 * A map key that is unique for each name, whatever characters that contains: the JSON array of namespace and service,
 * then an object of the further labels, if there are any. It names these labels itself, so that files which hold keys
 * can be read whatever the configuration is. The name of an instance is that of its service, too.
 */
export function serviceKey(name: ServiceName): string {
  return keyOf([name.namespace, name.service], furtherLabels(name));
}

/** The inverse of `serviceKey`. */
export function serviceName(key: string): ServiceName {
  const [namespace, service, labels] = JSON.parse(key) as [string, string, Labels?];
  return { ...labels, namespace, service };
}

/** True for a key that `serviceKey` returned, as for one of a file that somebody may have written. */
export function isServiceKey(text: string): boolean {
  return isKey(text, 2);
}

/** True for a key that `edgeKey` returned. */
export function isEdgeKey(text: string): boolean {
  return isKey(text, 4);
}

function isKey(text: string, parts: number): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  if (!Array.isArray(value) || value.length < parts || value.length > parts + 1) return false;
  const labels: unknown = value[parts] ?? {};
  const isObject = typeof labels === 'object' && labels !== null && !Array.isArray(labels);
  const isText = (one: unknown) => typeof one === 'string';
  return isObject && value.slice(0, parts).every(isText) && Object.values(labels).every(isText);
}

/** True if both are the name of one service. */
export function isSameService(a: ServiceName, b: ServiceName): boolean {
  return a === b || (a.service === b.service && a.namespace === b.namespace && isSamePlace(a, b));
}

/** True if two services have the same further labels. */
export function isSamePlace(a: ServiceName, b: ServiceName): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => OWN.has(name) || a[name] === b[name]);
}

/** A service's name for people: `shop/cart`, after its further labels `a/shop/cart`. */
export function displayName(name: ServiceName): string {
  return [...Object.values(furtherLabels(name)), name.namespace, name.service].join('/');
}

/** What the services of one incident share: a key of their further labels, the same for all services without any. */
export function scopeOf(key: string): string {
  // Only an object ends like this: a text ends with a quotation mark.
  return key.endsWith('}]') ? JSON.stringify((JSON.parse(key) as [string, string, Labels])[2]) : '';
}

/** The labels of a scope that `scopeOf` returned. */
export function scopeLabels(scope: string): Labels {
  return scope === '' ? {} : (JSON.parse(scope) as Labels);
}

/** A map key that is unique for each edge of the call graph. Both ends have the further labels of the client. */
export function edgeKey(client: ServiceName, server: ServiceName): string {
  return keyOf([client.namespace, client.service, server.namespace, server.service], furtherLabels(client));
}

/** The inverse of `edgeKey`. */
export function edgeEnds(key: string): { readonly client: ServiceName; readonly server: ServiceName } {
  const [clientNamespace, client, serverNamespace, server, labels] = JSON.parse(key) as [
    string,
    string,
    string,
    string,
    Labels?,
  ];
  return {
    client: { ...labels, namespace: clientNamespace, service: client },
    server: { ...labels, namespace: serverNamespace, service: server },
  };
}

/** A map key of a pod or an endpoint of a service. */
export function instanceKey(name: ServiceName, instance: string): string {
  return keyOf([name.namespace, name.service, instance], furtherLabels(name));
}

/** The inverse of `instanceKey`. */
export function instanceName(key: string): ServiceName & { readonly instance: string } {
  const [namespace, service, instance, labels] = JSON.parse(key) as [string, string, string, Labels?];
  return { ...labels, namespace, service, instance };
}

/** A map key of a pod whose service isn't known: its namespace and the further labels, as those of a service. */
export function podKey(name: ServiceName, pod: string): string {
  return keyOf([name.namespace, pod], furtherLabels(name));
}

/** The labels of a name beside namespace and service. */
export function furtherLabels(name: ServiceName): Labels {
  let labels: Record<string, string> | undefined;
  // Called for each series of a cycle: the names of labels without their values, which is faster.
  for (const label of Object.keys(name)) if (!OWN.has(label)) (labels ??= {})[label] = name[label] ?? '';
  return labels ?? NO_LABELS;
}

function keyOf(parts: readonly string[], labels: Labels): string {
  if (labels === NO_LABELS) return JSON.stringify(parts);
  const names = Object.keys(labels);
  // By name, so that a key doesn't depend on the order in which labels are configured.
  const sorted = names.length === 1 ? labels : Object.fromEntries(names.sort().map((name) => [name, labels[name]]));
  return JSON.stringify([...parts, sorted]);
}
