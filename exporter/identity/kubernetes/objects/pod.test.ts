import { describe, expect, it } from 'vitest';
import { addressBytes, peerAddress } from '../../peers/addresses.ts';
import { MONITOR, SERVICE } from './annotations.ts';
import { localPod, peerPod } from './pod.ts';

const METADATA = {
  namespace: 'shop',
  name: 'cart-5d-x2x9z',
  uid: 'a-b-c',
  creationTimestamp: '2025-11-24T16:00:00Z',
  labels: { 'pod-template-hash': '5d' },
  ownerReferences: [{ kind: 'ReplicaSet', name: 'cart-5d', controller: true }],
};
const bytes = (text: string) => addressBytes(text) as string;
const at = (text: string, port?: number) => peerAddress(bytes(text), port);

describe('localPod', () => {
  it('keeps the needed fields of a pod', () =>
    expect(
      localPod({
        metadata: { ...METADATA, annotations: { [MONITOR]: 'false' } },
        status: {
          phase: 'Running',
          qosClass: 'Burstable',
          podIPs: [{ ip: '10.1.0.5' }, { ip: 'fd00::5' }],
          hostIP: '192.0.2.1',
        },
      } as object as Parameters<typeof localPod>[0]),
    ).toEqual({
      namespace: 'shop',
      service: 'cart',
      key: 'shop\0cart',
      name: 'cart-5d-x2x9z',
      createdAt: Date.UTC(2025, 10, 24, 16),
      workloadKind: 'Deployment',
      annotations: { monitor: false, service: undefined, rejected: [] },
      cgroup: { qosClass: 'Burstable', uid: 'a-b-c' },
      addresses: [at('10.1.0.5'), at('fd00::5')],
    }));

  const addresses = (pod: object) => localPod({ metadata: METADATA, ...pod })?.addresses;

  it('has only ports, and no address, for a pod in the network of its node', () => {
    const status = { podIPs: [{ ip: '192.0.2.1' }, { ip: 'fd00::1' }], hostIP: '192.0.2.1' };
    const ports = [
      { containerPort: 9100, hostPort: 9100 },
      { containerPort: 53, hostPort: 53, protocol: 'UDP' },
    ];
    expect(addresses({ spec: { hostNetwork: true, containers: [{ ports }] }, status })).toEqual([
      at('192.0.2.1', 9100),
      at('fd00::1', 9100),
    ]);
    expect(addresses({ spec: { hostNetwork: true, containers: [{}] }, status })).toEqual([]);
  });

  it('has the ports that its node forwards to it', () => {
    const containers = [{ ports: [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }] }];
    const status = { podIPs: [{ ip: '10.1.0.5' }], hostIP: '192.0.2.1' };
    expect(addresses({ spec: { containers }, status })).toEqual([at('10.1.0.5'), at('192.0.2.1', 8080)]);
  });

  it.each(['Succeeded', 'Failed'])('drops a pod that has %s', (phase) =>
    expect(localPod({ metadata: METADATA, status: { phase } } as never)).toBeUndefined(),
  );

  it('names a static pod’s cgroup by the hash of its manifest', () => {
    const annotations = { 'kubernetes.io/config.mirror': 'f00d', 'kubernetes.io/config.hash': 'f00d' };
    expect(localPod({ metadata: { ...METADATA, annotations } })?.cgroup.uid).toBe('f00d');
  });
});

it('peerPod names a pod as localPod does', () => {
  const object = { metadata: { ...METADATA, annotations: { [SERVICE]: 'basket' } } };
  expect(peerPod(object)).toEqual({
    namespace: 'shop',
    service: 'basket',
    key: 'shop\0basket',
    createdAt: Date.UTC(2025, 10, 24, 16),
  });
  expect(localPod(object)).toMatchObject(peerPod(object));
});
