import { expect, it } from 'vitest';
import type { ObjectMeta } from '../api/metadata.ts';
import { workloadOf } from './workload.ts';

/** 29,400,000 minutes from 1970. */
const SCHEDULED = Date.UTC(2025, 10, 24, 16);

const owned = (kind: string, owner: string, pod: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name: `${owner}-x2x9z`,
  ownerReferences: [{ kind, name: owner, controller: true }],
  ...pod,
});
const created = (ms: number) => ({ creationTimestamp: new Date(ms).toISOString() });

it.each<[string, ObjectMeta, string, string]>([
  [
    'Deployment',
    owned('ReplicaSet', 'cart-7d9f8b6c5d', { labels: { 'pod-template-hash': '7d9f8b6c5d' } }),
    'Deployment',
    'cart',
  ],
  [
    'Deployment with a name like a hash',
    owned('ReplicaSet', 'a-bcdfg-5d', { labels: { 'pod-template-hash': '5d' } }),
    'Deployment',
    'a-bcdfg',
  ],
  ['ReplicaSet of its own', owned('ReplicaSet', 'cart-7d9f8b6c5d'), 'ReplicaSet', 'cart-7d9f8b6c5d'],
  [
    'ReplicaSet with another hash',
    owned('ReplicaSet', 'cart', { labels: { 'pod-template-hash': '5d' } }),
    'ReplicaSet',
    'cart',
  ],
  [
    'ReplicaSet named as the hash',
    owned('ReplicaSet', '-5d', { labels: { 'pod-template-hash': '5d' } }),
    'ReplicaSet',
    '-5d',
  ],
  [
    'Argo Rollout',
    owned('ReplicaSet', 'cart-5d', { labels: { 'rollouts-pod-template-hash': '5d' } }),
    'Rollout',
    'cart',
  ],
  ['StatefulSet', owned('StatefulSet', 'db', { name: 'db-0' }), 'StatefulSet', 'db'],
  ['DaemonSet', owned('DaemonSet', 'agent-bcdfg'), 'DaemonSet', 'agent-bcdfg'],
  ['CronJob', owned('Job', 'backup-29400000', created(SCHEDULED + 3000)), 'CronJob', 'backup'],
  ['CronJob, late', owned('Job', 'backup-29400000', created(SCHEDULED + 86_400_000)), 'CronJob', 'backup'],
  ['Job whose name ends in a date', owned('Job', 'migrate-20251124', created(SCHEDULED)), 'Job', 'migrate-20251124'],
  ['Job with a later time', owned('Job', 'backup-29400003', created(SCHEDULED)), 'Job', 'backup-29400003'],
  ['Job', owned('Job', 'migrate', created(SCHEDULED)), 'Job', 'migrate'],
  ['static pod', owned('Node', 'node-1', { name: 'kube-apiserver-node-1' }), 'Node', 'kube-apiserver'],
  ['another controller', owned('Workflow', 'build'), 'Workflow', 'build'],
  ['bare pod', { name: 'shell' }, 'Pod', 'shell'],
  [
    'pod whose owner is no controller',
    { name: 'shell', ownerReferences: [{ kind: 'Job', name: 'j' }] },
    'Pod',
    'shell',
  ],
])('%s', (_name, pod, kind, name) => expect(workloadOf(pod)).toEqual({ kind, name }));
