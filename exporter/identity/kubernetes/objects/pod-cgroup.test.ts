import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findKubepods, podCgroup, PodCgroups } from './pod-cgroup.ts';

const UID = '0f4c1e2a-3b5d-4c6e-8f70-91a2b3c4d5e6';
const UNDERSCORED = '0f4c1e2a_3b5d_4c6e_8f70_91a2b3c4d5e6';

it.each([
  [
    '/kubepods.slice',
    'Burstable',
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UNDERSCORED}.slice`,
  ],
  [
    '/kubepods.slice',
    'BestEffort',
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UNDERSCORED}.slice`,
  ],
  ['/kubepods.slice', 'Guaranteed', `/kubepods.slice/kubepods-pod${UNDERSCORED}.slice`],
  [
    '/kubelet.slice/kubelet-kubepods.slice',
    'Burstable',
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${UNDERSCORED}.slice`,
  ],
  ['/kubepods', 'Burstable', `/kubepods/burstable/pod${UID}`],
  ['/kubepods', 'BestEffort', `/kubepods/besteffort/pod${UID}`],
  ['/docker/1f/kubelet/kubepods', 'Guaranteed', `/docker/1f/kubelet/kubepods/pod${UID}`],
])('below %s a %s pod is in %s', (kubepods, qosClass, path) =>
  expect(podCgroup(kubepods, { qosClass, uid: UID })).toBe(path),
);

let mount: string;
beforeAll(() => {
  mount = mkdtempSync(join(tmpdir(), 'lorikeet-kubepods-'));
});
afterAll(() => rmSync(mount, { recursive: true }));

const make = (path: string) => mkdirSync(mount + path, { recursive: true });

it('finds the directories of all kubelets, including later ones', () => {
  make('/system.slice/docker-1f.scope/kubelet.slice/kubelet-kubepods.slice');
  make('/not-kubepods-of.slice/x');
  const cgroups = new PodCgroups(mount);
  const [first] = findKubepods(mount);
  expect(first).toBe('/system.slice/docker-1f.scope/kubelet.slice/kubelet-kubepods.slice');

  const pod = { qosClass: 'Burstable', uid: UID };
  expect(cgroups.path(pod)).toBe(podCgroup(first as string, pod));
  expect(cgroups.exists(cgroups.path(pod) as string)).toBe(false);

  make(podCgroup('/kubepods', pod));
  expect(findKubepods(mount)).toHaveLength(2);
  expect(cgroups.path(pod)).toBe(podCgroup(first as string, pod));
  cgroups.search();
  expect(cgroups.path(pod)).toBe(podCgroup('/kubepods', pod));
  expect(cgroups.exists(podCgroup('/kubepods', pod))).toBe(true);
});

it('finds no cgroup without a kubelet, or without the mount', () => {
  expect(new PodCgroups(join(mount, 'absent')).path({ qosClass: 'Guaranteed', uid: UID })).toBeUndefined();
});
