import { addressBytes, peerAddress, type PeerAddress } from '../../peers/addresses.ts';
import type { ApiObject } from '../api/metadata.ts';
import { ownIdentity, type Identity } from './service-identity.ts';

/** The fields used of a service. */
interface ApiService extends ApiObject {
  readonly spec?: {
    readonly clusterIPs?: readonly string[];
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}

/** A service with its virtual addresses. */
export interface VirtualService {
  /** Its identity if there is not exactly one workload behind it. */
  readonly own: Identity;
  readonly addresses: readonly PeerAddress[];
}

/** Compacts a service; undefined if it has no address, such as a headless one. */
export function virtualService(object: ApiObject): VirtualService | undefined {
  const { metadata, spec, status }: ApiService = object;
  const ports = (spec?.ports ?? []).flatMap(({ port, protocol = 'TCP' }) => (protocol === 'TCP' ? [port] : []));
  const shared = [...(spec?.externalIPs ?? []), ...(status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip)];
  const addresses = [
    // A cluster address belongs to one service. An external one may belong to a node, or to several services.
    ...parse(spec?.clusterIPs ?? []).map((bytes) => peerAddress(bytes)),
    ...parse(shared).flatMap((bytes) => ports.map((port) => peerAddress(bytes, port))),
  ];
  if (ports.length === 0 || addresses.length === 0) return undefined;
  return { own: ownIdentity(metadata.namespace ?? '', metadata.name), addresses };
}

/** A headless service has `None` in place of an address. */
function parse(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => addressBytes(text) ?? []);
}
