import { addressBytes, peerAddress, type PeerAddress } from '../addresses.ts';
import { objectKey, type ApiObject } from './metadata.ts';
import { ownIdentity, type Identity } from './service-identity.ts';

/** What is read of an endpoint slice. */
interface ApiEndpointSlice extends ApiObject {
  readonly endpoints?:
    | readonly {
        readonly addresses?: readonly string[];
        readonly conditions?: { readonly ready?: boolean };
        readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
      }[]
    | null;
  readonly ports?: readonly { readonly port?: number; readonly protocol?: string }[] | null;
}

/** What is behind a service at one address. */
export interface Endpoint {
  /** The address with each of the slice's ports; without one where the slice means all. */
  readonly addresses: readonly PeerAddress[];
  /** Key of the pod; undefined where no pod is behind the address. */
  readonly pod: string | undefined;
  readonly ready: boolean;
}

/** A part of what is behind a service. */
export interface Endpoints {
  /** Key of the service. */
  readonly service: string;
  /** What an endpoint is called that is no pod. */
  readonly own: Identity;
  readonly endpoints: readonly Endpoint[];
}

/** Compacts an endpoint slice; undefined for one that belongs to no service. */
export function endpointsOf(object: ApiObject): Endpoints | undefined {
  const { metadata, endpoints, ports }: ApiEndpointSlice = object;
  const name = metadata.labels?.['kubernetes.io/service-name'];
  const namespace = metadata.namespace ?? '';
  if (name === undefined) return undefined;
  const portsOfTcp = (ports ?? []).flatMap(({ port, protocol = 'TCP' }) => (protocol === 'TCP' ? [port] : []));
  return {
    service: objectKey({ namespace, name }),
    own: ownIdentity(namespace, name),
    endpoints: (endpoints ?? []).flatMap(({ addresses = [], conditions, targetRef }) => {
      const pod =
        targetRef?.kind === 'Pod' && targetRef.name !== undefined
          ? objectKey({ namespace: targetRef.namespace ?? namespace, name: targetRef.name })
          : undefined;
      // All addresses of an endpoint are one and the same: kube-proxy uses the first only.
      const bytes = addressBytes(addresses[0] ?? '');
      if (bytes === undefined) return [];
      const ready = conditions?.ready !== false;
      return [{ addresses: portsOfTcp.map((port) => peerAddress(bytes, port)), pod, ready }];
    }),
  };
}
