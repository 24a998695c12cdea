import { renderLabels } from '../../daemon/labels.ts';
import type { Directory, LocalTarget } from '../identity/directory.ts';
import type { ExternalPeer } from '../identity/external-peers.ts';

export interface EdgeLimits {
  readonly directory: Directory;
  /** Maximum number of external peers with a name of their own. */
  readonly maxExternalNames: number;
  /** Maximum number of edges with series of their own; further ones between two services have the port `other`. */
  readonly maxEdges: number;
  /** Called for each peer counted as `other` because of a limit. */
  readonly onCut: () => void;
}

/** Identity of an account of `EdgeAccounts`. */
export interface EdgeEnds {
  readonly client: string;
  readonly external: ExternalPeer | undefined;
  /** Set for the account of peers beyond a limit. */
  readonly cut: boolean;
}

/** The end of an edge that is asked. */
export interface Server {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  readonly external: ExternalPeer | undefined;
}

/** Instances of a service share its edges. */
export function serviceKey({ namespace, service }: LocalTarget): string {
  return `${namespace}\0${service}`;
}

/** The labels that name an edge, rendered. */
export function edgeLabels(client: LocalTarget, server: Server): string {
  return renderLabels({
    client_namespace: client.namespace,
    client_service: client.service,
    server_namespace: server.namespace,
    server_service: server.service,
    server_port: server.port,
  });
}
