/** Identity of a service: its labels `namespace` and `service`. */
export interface ServiceName {
  readonly namespace: string;
  readonly service: string;
}

/** A map key that is unique for each name, whatever characters that contains. */
export function serviceKey({ namespace, service }: ServiceName): string {
  return JSON.stringify([namespace, service]);
}

/** The inverse of `serviceKey`. */
export function serviceName(key: string): ServiceName {
  const [namespace, service] = JSON.parse(key) as [string, string];
  return { namespace, service };
}

/** A map key that is unique for each edge of the call graph. */
export function edgeKey(client: ServiceName, server: ServiceName): string {
  return JSON.stringify([client.namespace, client.service, server.namespace, server.service]);
}

/** The inverse of `edgeKey`. */
export function edgeEnds(key: string): { readonly client: ServiceName; readonly server: ServiceName } {
  const [clientNamespace, client, serverNamespace, server] = JSON.parse(key) as [string, string, string, string];
  return {
    client: { namespace: clientNamespace, service: client },
    server: { namespace: serverNamespace, service: server },
  };
}
