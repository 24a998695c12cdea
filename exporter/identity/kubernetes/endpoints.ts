import { addressBytes } from '../addresses.ts';
import { objectKey, type ApiObject } from './metadata.ts';

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

/** One address behind a service. */
export interface Endpoint {
  /** 16 bytes as a latin1 string. */
  readonly bytes: string;
  /** Key of the pod; undefined where no pod is behind the address. */
  readonly pod: string | undefined;
  readonly ready: boolean;
}

/** A part of what is behind a service. */
export interface Endpoints {
  readonly namespace: string;
  /** The service's name. */
  readonly service: string;
  readonly endpoints: readonly Endpoint[];
  /** An undefined port stands for all. */
  readonly ports: readonly (number | undefined)[];
}

/** Compacts an endpoint slice; undefined for one that belongs to no service. */
export function endpointsOf(object: ApiObject): Endpoints | undefined {
  const { metadata, endpoints, ports }: ApiEndpointSlice = object;
  const service = metadata.labels?.['kubernetes.io/service-name'];
  const namespace = metadata.namespace ?? '';
  if (service === undefined) return undefined;
  return {
    namespace,
    service,
    endpoints: (endpoints ?? []).flatMap(({ addresses = [], conditions, targetRef }) => {
      const pod =
        targetRef?.kind === 'Pod' && targetRef.name !== undefined
          ? objectKey({ namespace: targetRef.namespace ?? namespace, name: targetRef.name })
          : undefined;
      // All addresses of an endpoint are one and the same: kube-proxy uses the first only.
      const bytes = addressBytes(addresses[0] ?? '');
      return bytes === undefined ? [] : [{ bytes, pod, ready: conditions?.ready !== false }];
    }),
    ports: (ports ?? []).flatMap(({ port, protocol = 'TCP' }) => (protocol === 'TCP' ? [port] : [])),
  };
}
