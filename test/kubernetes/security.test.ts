import { expect, test } from 'vitest';
import { describeWith } from '../skips/describe-with.ts';
import { HELM } from '../skips/needs.ts';
import { EVERYTHING, kustomize, template } from './manifests.ts';
import { containerOf, podTemplate, podTemplateOf } from './pods.ts';

describeWith([HELM], 'permissions of pods', () => {
  test.each([
    ['base', () => kustomize('base'), 2],
    ['simulated system', () => kustomize('microsim'), 12],
    ['chart with everything enabled', () => template(...EVERYTHING), 2],
  ] as const)('in the %s are the minimum for their programs', (_, objects, count) => {
    const pods = objects().flatMap((object) => podTemplateOf(object) ?? []);
    expect(pods.length).toBe(count);
    for (const pod of pods) {
      const { spec } = pod;
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const key of ['hostNetwork', 'hostIPC', 'initContainers', 'shareProcessNamespace']) {
        expect(spec).not.toHaveProperty(key);
      }
      const { securityContext, resources } = containerOf(pod);
      expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
      expect(securityContext).not.toHaveProperty('privileged');
      expect(resources).toMatchObject({
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
    }
  });

  const exporter = (...values: string[]) => podTemplate(template(...values), 'DaemonSet');

  test('the exporter has two capabilities, with and without http_status', () => {
    const capabilities = (...values: string[]) => containerOf(exporter(...values)).securityContext['capabilities'];
    for (const values of [[], ['--set=exporter.collectors.http_status=true']])
      expect(capabilities(...values)).toEqual({ drop: ['ALL'], add: ['BPF', 'PERFMON'] });
  });

  test('the exporter can read the cgroup tree of its node, and its processes only if enabled', () => {
    expect(exporter().spec.volumes).toEqual([
      { name: 'cgroup', hostPath: { path: '/sys/fs/cgroup', type: 'Directory' } },
    ]);
    expect(containerOf(exporter()).volumeMounts).toEqual([
      { name: 'cgroup', mountPath: '/host/sys/fs/cgroup', readOnly: true },
    ]);
    expect(exporter().spec).not.toHaveProperty('hostPID');
    expect(exporter('--set=exporter.adoptOlderSockets=true').spec).toMatchObject({ hostPID: true });
  });

  test('the scorer has only volumes that the Pod Security level restricted allows', () => {
    const allowed = ['name', 'configMap', 'emptyDir', 'projected', 'secret', 'persistentVolumeClaim'];
    for (const values of [['--set=scorer.persistence.enabled=false'], EVERYTHING]) {
      const pod = podTemplate(template(...values), 'StatefulSet');
      const kinds = pod.spec.volumes.flatMap((volume) => Object.keys(volume));
      expect(kinds.filter((kind) => !allowed.includes(kind))).toEqual([]);
      expect(containerOf(pod).securityContext).toMatchObject({ allowPrivilegeEscalation: false });
    }
  });

  test('only the exporter has a token, which only allows to list and watch four kinds', () => {
    const objects = template();
    expect(podTemplate(objects, 'StatefulSet').spec).toMatchObject({ automountServiceAccountToken: false });
    for (const object of objects.filter(({ kind }) => kind === 'ServiceAccount')) {
      expect(object).toMatchObject({ automountServiceAccountToken: false });
    }
    expect(objects.filter(({ kind }) => kind.endsWith('Role')).map((role) => role['rules'])).toEqual([
      [
        { apiGroups: [''], resources: ['pods', 'services', 'namespaces'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      ],
    ]);
  });
});
