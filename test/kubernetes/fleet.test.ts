import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../skips/describe-with.ts';
import { KUBERNETES } from '../skips/needs.ts';
import { type RunningKubernetes, startKubernetes } from '../testserver/kubernetes.ts';
import { Fleet } from './fleet.ts';
import type { FleetPod } from './fleet-objects.ts';

const SIZE = { pods: 300, services: 7, nodes: 9 };

interface List<Item> {
  readonly items: readonly (Item & { readonly metadata: { readonly name: string; readonly uid: string } })[];
}

interface Owned {
  readonly metadata: { readonly ownerReferences: readonly { readonly uid: string }[] };
}

interface Pod extends Owned {
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly phase: string; readonly podIP: string };
}

interface EndpointSlice {
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly targetRef: { readonly uid: string };
  }[];
}

describeWith([KUBERNETES], 'a fleet of pods', () => {
  let kubernetes: RunningKubernetes;
  let fleet: Fleet;
  beforeAll(async () => {
    kubernetes = await startKubernetes();
    fleet = await Fleet.create(kubernetes, 'fleet', SIZE);
  });
  afterAll(() => kubernetes?.stop());

  const list = async <Item>(resource: string, api = '/api/v1'): Promise<List<Item>['items']> =>
    (await kubernetes.request<List<Item>>('GET', `${api}/namespaces/fleet/${resource}`)).items;

  /**
   * Checks that the server's pods are the fleet's, each with a unique address, and that the endpoint slices have all.
   */
  async function expectPods(): Promise<void> {
    const summaryOf = ({ uid, node, address }: FleetPod): string => `${uid} ${node} ${address}`;
    const pods = await list<Pod>('pods');
    expect(pods.map(({ status }) => status.phase)).toEqual(Array.from({ length: SIZE.pods }, () => 'Running'));
    expect(pods.map(({ metadata, spec, status }) => `${metadata.uid} ${spec.nodeName} ${status.podIP}`).sort()).toEqual(
      fleet.pods.map(summaryOf).sort(),
    );
    expect(new Set(fleet.pods.map(({ address }) => address)).size).toBe(SIZE.pods);
    const slices = await list<EndpointSlice>('endpointslices', '/apis/discovery.k8s.io/v1');
    const endpoints = slices.flatMap((slice) => slice.endpoints);
    expect(endpoints.map(({ targetRef, addresses }) => `${targetRef.uid} ${addresses.join()}`).sort()).toEqual(
      fleet.pods.map(({ uid, address }) => `${uid} ${address}`).sort(),
    );
  }

  test('runs and is in its endpoint slices', expectPods);

  test('belongs to deployments with services, evenly', async () => {
    const deployments = await list('deployments', '/apis/apps/v1');
    const replicaSets = await list<Owned>('replicasets', '/apis/apps/v1');
    const services = await list<{ readonly spec: { readonly clusterIP: string } }>('services');
    expect([deployments.length, replicaSets.length, services.length]).toEqual([7, 7, 7]);
    expect(services.filter(({ spec }) => !spec.clusterIP.startsWith('10.96.'))).toEqual([]);
    const ownerOf = new Map(replicaSets.map(({ metadata }) => [metadata.uid, metadata.ownerReferences[0]?.uid]));
    const counts = new Map(deployments.map(({ metadata }) => [metadata.uid, 0]));
    for (const { metadata } of await list<Pod>('pods')) {
      const deployment = ownerOf.get(metadata.ownerReferences[0]?.uid ?? '') ?? '';
      counts.set(deployment, (counts.get(deployment) ?? NaN) + 1);
    }
    // 300 among 7.
    expect([...counts.values()].sort((a, b) => a - b)).toEqual([42, 43, 43, 43, 43, 43, 43]);
  });

  test('changes like by rollouts', async () => {
    const before = new Set(fleet.pods.map(({ uid }) => uid));
    await fleet.churn(30);
    await fleet.churn(30);
    expect(fleet.pods.filter(({ uid }) => before.has(uid))).toHaveLength(SIZE.pods - 60);
    await expectPods();
  });
});
