import { expect, it } from 'vitest';
import { LINGER_MS } from '../local-targets.ts';
import { EndedPods } from './ended-pods.ts';
import { localPod, type LocalPod } from './objects/pod.ts';

const pod = (uid: string): LocalPod => localPod({ metadata: { name: 'cart-0', namespace: 'shop', uid } }) as LocalPod;
const uids = (pods: readonly LocalPod[]): readonly string[] => pods.map(({ cgroup }) => cgroup.uid);

it('has the pods that ended a moment ago, also several of one name', () => {
  const ended = new EndedPods();
  ended.add('shop/cart-0', pod('a'), 0);
  ended.add('shop/cart-0', pod('b'), 10);
  expect(uids(ended.current(LINGER_MS - 1))).toEqual(['b', 'a']);
  expect(uids(ended.current(LINGER_MS))).toEqual(['b']);
  expect(ended.current(LINGER_MS + 10)).toEqual([]);
});
