import { addressBytes, peerAddress, type PeerAddress } from '../../peers/addresses.ts';
import { objectKey, type ApiObject } from '../api/metadata.ts';
import { ownIdentity, type Identity } from './service-identity.ts';

/** The fields used of an endpoint slice. */
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

/** One endpoint of a service. */
export interface Endpoint {
  /** The address with each of the slice's ports, or without a port if the slice has all ports. */
  readonly addresses: readonly PeerAddress[];
  /** Key of the pod; undefined if the endpoint is not a pod. */
  readonly pod: string | undefined;
  readonly ready: boolean;
}

/** Some of the endpoints of a service. */
export interface Endpoints {
  /** Key of the service. */
  readonly service: string;
  /** Identity of endpoints that are not pods. */
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
      // All addresses of an endpoint are equivalent: kube-proxy only uses the first.
      const bytes = addressBytes(addresses[0] ?? '');
      if (bytes === undefined) return [];
      const ready = conditions?.ready !== false;
      return [{ addresses: portsOfTcp.map((port) => peerAddress(bytes, port)), pod, ready }];
    }),
  };
}
