import { describe, expect, it } from 'vitest';
import { addressText } from '../peers/addresses.ts';
import { endpointsOf, type Endpoints } from './objects/endpoints.ts';
import type { ApiObject } from './api/metadata.ts';
import { NAMING_MS, Peers, type PeerObjects } from './peers.ts';
import { localPod, type LocalPod } from './objects/pod.ts';
import { identityOf, type Identity } from './objects/service-identity.ts';
import { virtualService, type VirtualService } from './objects/service.ts';

const pod = (service: string, createdAt = 1): Identity => identityOf('shop', service, createdAt);

const local = (name: string, ip: string, more: object = {}): LocalPod =>
  localPod({
    metadata: { namespace: 'shop', name, creationTimestamp: new Date(5000).toISOString() },
    status: { podIPs: [{ ip }], hostIP: '192.0.2.1' },
    ...more,
  } as ApiObject) as LocalPod;

/** `endpoints`: address -> pod, which `!` marks as not ready; an empty name is no pod. */
const slice = (
  service: string,
  endpoints: Readonly<Record<string, string>>,
  ports: readonly object[] = [{ port: 80 }],
) =>
  endpointsOf({
    metadata: { namespace: 'shop', name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } },
    ports,
    endpoints: Object.entries(endpoints).map(([address, name]) => ({
      addresses: [address],
      conditions: { ready: !name.endsWith('!') },
      ...(name !== '' && { targetRef: { kind: 'Pod', namespace: 'shop', name: name.replace('!', '') } }),
    })),
  } as ApiObject) as Endpoints;

const service = (name: string, ...clusterIPs: readonly string[]): [string, VirtualService] => [
  `shop/${name}`,
  virtualService({
    metadata: { namespace: 'shop', name },
    spec: { clusterIPs, ports: [{ port: 80 }] },
  } as ApiObject) as VirtualService,
];

/** The service behind each address of the objects, in text form; with a port if that differs from the other ports. */
function resolve(objects: Partial<PeerObjects>, peers = new Peers(), now = 0): Record<string, string> {
  const all = { local: [], pods: new Map<string, Identity>(), services: new Map(), slices: [], ...objects };
  const table = peers.resolve(all, now);
  const named: Record<string, string> = {};
  const holders = [...all.local, ...[...all.slices].flatMap(({ endpoints }) => endpoints), ...all.services.values()];
  for (const { bytes, port } of holders.flatMap(({ addresses }) => addresses)) {
    const [whole, own] = [table.find(bytes, 1), port === undefined ? undefined : table.find(bytes, port)];
    if (whole !== undefined) named[addressText(bytes)] = whole.pending === true ? 'pending' : whole.service;
    if (own !== undefined && own.service !== whole?.service) named[`${addressText(bytes)} ${port}`] = own.service;
  }
  return named;
}

const PODS = new Map([
  ['shop/cart-1', pod('cart', 1)],
  ['shop/cart-2', pod('cart', 2)],
  ['shop/canary-1', pod('cart-canary', 3)],
]);

describe('an endpoint', () => {
  it('belongs to the workload of its pod, at its ports', () =>
    expect(
      resolve({
        pods: PODS,
        slices: [slice('cart', { '10.1.0.1': 'cart-1', '10.1.0.2': 'canary-1!', 'fd00::1': 'cart-1' })],
      }),
    ).toEqual({ '10.1.0.1 80': 'cart', '10.1.0.2 80': 'cart-canary', 'fd00::1 80': 'cart' }));

  it('without a pod belongs to its service, unless it also belongs to a pod', () =>
    expect(
      resolve({
        pods: PODS,
        slices: [slice('db', { '10.9.0.1': '', '10.1.0.1': '' }), slice('cart', { '10.1.0.1': 'cart-1' })],
      }),
    ).toEqual({ '10.9.0.1 80': 'service/db', '10.1.0.1 80': 'cart' }));

  it('has no owner before its pod is known', () =>
    expect(resolve({ slices: [slice('cart', { '10.1.0.1': 'cart-1' })] })).toEqual({}));

  it('belongs to the newest pod, and to none if two are equally new', () => {
    const pods = new Map([...PODS, ['shop/same', pod('other', 3)]]);
    expect(
      resolve({
        pods,
        slices: [
          slice('a', { '10.1.0.1': 'cart-1', '10.1.0.2': 'canary-1' }),
          slice('b', { '10.1.0.1': 'canary-1', '10.1.0.2': 'same' }),
        ],
      }),
    ).toEqual({ '10.1.0.1 80': 'cart-canary' });
  });

  it('counts for TCP: for all ports if the slice has all, and for none if it has none', () =>
    expect(
      resolve({
        pods: PODS,
        slices: [
          slice('dns', { '10.1.0.1': 'cart-1' }, [{ port: 53, protocol: 'UDP' }]),
          slice('any', { '10.1.0.2': 'cart-2' }, [{}]),
          slice('none', { '10.1.0.3': 'canary-1' }, []),
        ],
      }),
    ).toEqual({ '10.1.0.2': 'cart' }));
});

describe('a pod of this machine', () => {
  it('has all ports of its addresses, regardless of slices', () =>
    expect(
      resolve({ local: [local('shell', '10.1.0.1')], pods: PODS, slices: [slice('cart', { '10.1.0.1': 'cart-1' })] }),
    ).toEqual({ '10.1.0.1': 'shell' }));

  it('in the network of its node has only the ports that it or a slice names', () => {
    const host = (name: string, port?: number) =>
      local(name, '192.0.2.1', {
        spec: { hostNetwork: true, containers: [{ ports: port === undefined ? [] : [{ hostPort: port }] }] },
      });
    const pods = new Map([['shop/agent', pod('agent')]]);
    expect(
      resolve({
        local: [host('proxy', 8080), host('agent'), host('a', 7000), host('b', 7000)],
        pods,
        slices: [slice('agent', { '192.0.2.1': 'agent' }, [{ port: 9100 }])],
      }),
    ).toEqual({ '192.0.2.1 8080': 'proxy', '192.0.2.1 9100': 'agent' });
  });
});

describe('a service’s address', () => {
  const services = new Map([service('cart', '10.96.0.1', 'fd00:96::1')]);
  const ofService = (slices: readonly Endpoints[], peers?: Peers, now?: number) =>
    resolve({ pods: PODS, services, slices }, peers, now)['10.96.0.1'];

  it('resolves to the workload behind it, in both families', () => {
    const named = resolve({
      pods: PODS,
      services,
      slices: [slice('cart', { '10.1.0.1': 'cart-1', '10.1.0.2': 'cart-2' })],
    });
    expect(named).toMatchObject({ '10.96.0.1': 'cart', 'fd00:96::1': 'cart' });
  });

  it('resolves to the ready pods, and to the others if none is ready', () => {
    expect(ofService([slice('cart', { '10.1.0.1': 'cart-1', '10.1.0.2': 'canary-1!' })])).toBe('cart');
    expect(ofService([slice('cart', { '10.1.0.2': 'canary-1!' })])).toBe('cart-canary');
  });

  it('resolves to the service itself if it has several workloads, and counts that', () => {
    const peers = new Peers();
    const both = [slice('cart', { '10.1.0.1': 'cart-1' }), slice('cart', { '10.1.0.2': 'canary-1' })];
    expect(ofService(both, peers)).toBe('service/cart');
    expect(peers.ambiguous).toBe(1);
    expect(ofService(both.slice(0, 1), peers)).toBe('cart');
    expect(peers.ambiguous).toBe(0);
  });

  it('without endpoints resolves to the last workload, or to itself if it never had one', () => {
    const peers = new Peers();
    expect(ofService([], peers)).toBe('service/cart');
    expect(ofService([slice('cart', { '10.1.0.1': 'cart-1' })], peers)).toBe('cart');
    expect(ofService([], peers)).toBe('cart');
    expect(ofService([slice('cart', {})], peers)).toBe('cart');
    resolve({}, peers);
    expect(ofService([], peers, NAMING_MS)).toBe('pending');
    expect(ofService([], peers, 2 * NAMING_MS)).toBe('service/cart');
  });

  it('that is new has no name until its pods are known, for a while', () => {
    const peers = new Peers();
    resolve({}, peers);
    expect(ofService([], peers, 1000)).toBe('pending');
    expect(peers.isWaiting).toBe(true);
    // Its endpoint is known before its pod.
    expect(ofService([slice('cart', { '10.1.0.9': 'cart-9' })], peers, 2000)).toBe('pending');
    expect(ofService([slice('cart', { '10.1.0.1': 'cart-1' })], peers, 3000)).toBe('cart');
    expect(peers.isWaiting).toBe(false);
  });

  it('that is new and gets no pods goes by its own name in the end, as does one that was there from the start', () => {
    const peers = new Peers();
    expect(ofService([], peers)).toBe('service/cart');
    resolve({}, peers, 1000);
    expect(ofService([], peers, 2000)).toBe('pending');
    expect(ofService([], peers, 1999 + NAMING_MS)).toBe('pending');
    expect(ofService([], peers, 2000 + NAMING_MS)).toBe('service/cart');
    expect(peers.isWaiting).toBe(false);
  });
});

it('virtualService has a port for addresses that others may share', () => {
  const found = virtualService({
    metadata: { namespace: 'shop', name: 'cart' },
    spec: {
      clusterIPs: ['10.96.0.1'],
      externalIPs: ['192.0.2.7'],
      ports: [{ port: 80 }, { port: 53, protocol: 'UDP' }],
    },
    status: { loadBalancer: { ingress: [{ ip: '198.51.100.1' }, {}] } },
  } as ApiObject);
  expect(found?.addresses.map(({ bytes, port }) => [addressText(bytes), port])).toEqual([
    ['10.96.0.1', undefined],
    ['192.0.2.7', 80],
    ['198.51.100.1', 80],
  ]);
});

it('virtualService is undefined for a headless service, and for one without TCP', () => {
  const of = (clusterIP: string, protocol: string) =>
    virtualService({
      metadata: { namespace: 'shop', name: 'cart' },
      spec: { clusterIPs: [clusterIP], ports: [{ port: 80, protocol }] },
    } as ApiObject);
  expect([of('None', 'TCP'), of('10.96.0.1', 'UDP')]).toEqual([undefined, undefined]);
});
