import { beforeAll, expect, test } from 'vitest';
import { describeWith } from '../skips/describe-with.ts';
import { HELM, SCHEMAS } from '../skips/needs.ts';
import { EVERYTHING, kustomize, KUSTOMIZATIONS, template } from './manifests.ts';
import { kubernetesSchema, type ApiSchema, type KubernetesObject } from './schema.ts';

/** API groups of Prometheus Operator. */
const kubernetesOnly = (objects: readonly KubernetesObject[]) =>
  objects.filter(({ apiVersion }) => !apiVersion.startsWith('monitoring.coreos.com/'));

describeWith([SCHEMAS, HELM], 'for Kubernetes 1.22', () => {
  let schema: ApiSchema;
  beforeAll(() => void (schema = kubernetesSchema()));
  const problems = (objects: readonly KubernetesObject[]) => objects.flatMap((object) => schema.problems(object));

  test.each(KUSTOMIZATIONS)('manifests/%s has only known fields', (folder) => {
    const objects = kubernetesOnly(kustomize(folder));
    expect(objects.length).toBeGreaterThan(10);
    expect(problems(objects)).toEqual([]);
  });

  test('so does the chart, by default and with everything enabled', () => {
    expect(problems(template())).toEqual([]);
    expect(problems(kubernetesOnly(template(...EVERYTHING)))).toEqual([]);
  });

  const metadata = { name: 'x' };
  test.each([
    [{ apiVersion: 'v1', kind: 'Service', metadata, spec: { prots: [] } }, 'Service x: .spec.prots: unknown'],
    [
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: '80' }] } },
      'Service x: .spec.ports[0].port: expected int32, got "80"',
    ],
    [
      { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: { template: {} } },
      'DaemonSet x: .spec.selector: missing',
    ],
    [
      // Since 1.23.
      { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata },
      'HorizontalPodAutoscaler x: no such kind: autoscaling/v2',
    ],
    [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', labels: { a: 1 } } },
      'ConfigMap x: .metadata.labels.a: expected string, got 1',
    ],
  ])('finds invalid fields: %#', (object, message) => {
    expect(schema.problems(object as unknown as KubernetesObject)).toEqual([message]);
  });
});
