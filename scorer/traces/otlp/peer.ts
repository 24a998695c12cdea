import type { Peer } from '../received-span.ts';
import type { SpanKind } from '../span.ts';
import { type Attributes, firstText } from './attributes.ts';

const PEER_KEYS = ['peer.service', 'service.peer.name'];
const DATABASE_KEYS = ['db.name', 'db.namespace'];
const SYSTEM_KEYS = ['db.system', 'db.system.name'];

/**
 * The callee that a client or producer span names: a database by service, address or name, any other callee by service,
 * in the order of Tempo's service graphs. Attributes have two names each, from two generations of OpenTelemetry's
 * conventions.
 */
export function peerOf(kind: SpanKind, attributes: Attributes): Peer | undefined {
  if (kind !== 'client' && kind !== 'producer') return undefined;
  const peer = firstText(attributes, PEER_KEYS);
  const database = firstText(attributes, DATABASE_KEYS);
  const system = firstText(attributes, SYSTEM_KEYS);
  if (database === undefined && system === undefined) {
    return peer === undefined ? undefined : { name: peer, database: false };
  }
  const name = peer ?? addressOf(attributes) ?? database ?? system;
  return name === undefined ? undefined : { name, database: true };
}

function addressOf(attributes: Attributes): string | undefined {
  const server = firstText(attributes, ['server.address']);
  const host = firstText(attributes, ['network.peer.address']);
  const port = firstText(attributes, ['network.peer.port']);
  return server ?? (host !== undefined && port !== undefined ? `${host}:${port}` : host);
}
