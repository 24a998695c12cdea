import { addressBytes, peerAddress, type PeerAddress } from '../addresses.ts';
import type { ApiObject } from './metadata.ts';
import { ownIdentity, type Identity } from './service-identity.ts';

/** What is read of a service. */
interface ApiService extends ApiObject {
  readonly spec?: {
    readonly clusterIPs?: readonly string[];
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}

/** A service's addresses that no pod has. */
export interface VirtualService {
  /** What it is called where it can't be told which workload answers. */
  readonly own: Identity;
  readonly addresses: readonly PeerAddress[];
}

/** Compacts a service; undefined for one without an address of its own, as headless ones are. */
export function virtualService(object: ApiObject): VirtualService | undefined {
  const { metadata, spec, status }: ApiService = object;
  const ports = (spec?.ports ?? []).flatMap(({ port, protocol = 'TCP' }) => (protocol === 'TCP' ? [port] : []));
  const shared = [...(spec?.externalIPs ?? []), ...(status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip)];
  const addresses = [
    // A cluster address is the service's alone. An external one may be a node's, or several services'.
    ...parse(spec?.clusterIPs ?? []).map((bytes) => peerAddress(bytes)),
    ...parse(shared).flatMap((bytes) => ports.map((port) => peerAddress(bytes, port))),
  ];
  if (ports.length === 0 || addresses.length === 0) return undefined;
  return { own: ownIdentity(metadata.namespace ?? '', metadata.name), addresses };
}

/** `None` is what a headless service has in an address' place. */
function parse(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => addressBytes(text) ?? []);
}
