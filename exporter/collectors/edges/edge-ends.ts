import { renderLabels } from '../../../daemon/labels.ts';
import type { ExternalPeer } from '../../identity/peers/external-peers.ts';
import type { LocalTarget } from '../../identity/local-targets.ts';
import type { EdgeServersOptions, Server } from './edge-servers.ts';

export interface EdgeLimits extends EdgeServersOptions {
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
