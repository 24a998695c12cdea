import type { edgeEnds } from '../identity/service-key.ts';

/** The labels of a call: its ends, and the further labels that both have. */
export function edgeLabels({ client, server }: ReturnType<typeof edgeEnds>): Record<string, string> {
  const { namespace, service, ...labels } = server;
  return {
    ...labels,
    client_namespace: client.namespace,
    client_service: client.service,
    server_namespace: namespace,
    server_service: service,
  };
}
