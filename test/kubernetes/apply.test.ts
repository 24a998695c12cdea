import { readFileSync } from 'node:fs';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../skips/describe-with.ts';
import { HELM, KUBERNETES, SCHEMAS } from '../skips/needs.ts';
import { type RunningKubernetes, startKubernetes } from '../testserver/kubernetes.ts';
import { finalizeNamespaces, inventory, settledInventory } from './inventory.ts';
import { CHART, EVERYTHING, KUSTOMIZATIONS, kustomize, template } from './manifests.ts';
import { podTemplateOf, type PodTemplate } from './pods.ts';
import { operatorKinds, type KubernetesObject } from './schema.ts';

/** True if Prometheus Operator's kinds exist. */
const withOperator = !SCHEMAS.isMissing();
const needsOperator = (objects: readonly KubernetesObject[]) =>
  objects.some(({ apiVersion }) => apiVersion.startsWith('monitoring.coreos.com/'));

const APPLY = ['apply', '--server-side', '--validate=strict', '--filename=-'];
const yaml = (objects: readonly KubernetesObject[]) =>
  objects.map((object) => dump(object, { noRefs: true })).join('---\n');

describeWith([KUBERNETES, HELM], 'on a Kubernetes API server', () => {
  let server: RunningKubernetes;
  let before: Readonly<Record<string, string>>;
  beforeAll(async () => {
    server = await startKubernetes();
    if (withOperator) {
      for (const path of operatorKinds()) await server.kubectl(['apply', '--server-side', '-f', path]);
      await server.kubectl(['wait', '--for=condition=Established', '--all', 'crd']);
    }
    before = await settledInventory(server);
  });
  afterAll(() => server?.stop());

  /** Applies objects twice, the second time without any change, and deletes them without leftovers. */
  async function applyAndDelete(objects: readonly KubernetesObject[]): Promise<void> {
    const text = yaml(objects);
    await server.kubectl(APPLY, text);
    const applied = await inventory(server);
    expect(Object.keys(applied).length - Object.keys(before).length).toBe(objects.length);
    await server.kubectl(APPLY, text);
    expect(await inventory(server)).toEqual(applied);
    await server.kubectl(['delete', '--wait=false', '--filename=-'], text);
    await finalizeNamespaces(server);
    expect(await inventory(server)).toEqual(before);
  }

  test.for(KUSTOMIZATIONS)(
    'manifests/%s is applied, the second time without change, and deleted',
    async (folder, { skip }) => {
      const objects = kustomize(folder);
      skip(needsOperator(objects) && !withOperator, SCHEMAS.lack);
      await applyAndDelete(objects);
    },
  );

  test.for([
    ['with its default values', []],
    ['with everything enabled', EVERYTHING],
  ] as const)('so is the rendered chart %s', async ([, values], { skip }) => {
    const objects = template(...values);
    skip(needsOperator(objects) && !withOperator, SCHEMAS.lack);
    const namespaces = kustomize('base').filter(({ kind }) => kind === 'Namespace');
    await applyAndDelete([...namespaces, ...objects.map((object) => inNamespace(object, 'lorikeet'))]);
  });

  test('the Helm command of the README installs the chart, prints the next steps, and can be undone', async ({
    skip,
  }) => {
    skip(!withOperator, SCHEMAS.lack);
    const readme = readFileSync('README.md', 'utf8');
    const command = /^bash scripts\/package\/chart\.sh\nhelm (install (\S+) .*)$/m.exec(readme);
    const [, words = '', release = ''] = command ?? [];
    expect(words).toContain(CHART);
    const args = words.split(/\s+/);
    const namespace = args[args.indexOf('--namespace') + 1] ?? '';
    const notes = await server.helm(args);
    for (const next of ['get pods', 'operator', 'anomaly_score > 1', 'remote write']) expect(notes).toContain(next);

    const installed = withoutReleases(await inventory(server));
    await server.helm(['upgrade', release, CHART, '--namespace', namespace, '--reset-then-reuse-values']);
    expect(withoutReleases(await inventory(server))).toEqual(installed);

    await server.helm(['uninstall', release, '--namespace', namespace]);
    await server.kubectl(['delete', 'namespace', namespace, '--wait=false']);
    await finalizeNamespaces(server);
    expect(await inventory(server)).toEqual(before);
  });

  /** True if the server's Pod Security admission accepts the pods at this level. */
  async function admitted(level: string, { metadata, spec }: PodTemplate): Promise<string> {
    const namespace = `level-${level}`;
    const labels = { 'pod-security.kubernetes.io/enforce': level };
    const account = { name: spec['serviceAccountName'] ?? 'default', namespace };
    const prerequisites = [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
    ];
    await server.kubectl(APPLY, yaml(prerequisites as unknown as KubernetesObject[]));
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'pod', namespace }, spec };
    return server
      .request('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod)
      .then(() => 'admitted')
      .catch((error: unknown) => (error as Error).message);
  }

  test('the scorer and the simulated system pass at the level restricted, the exporter only at privileged', async () => {
    // Volumes of claims are added by a controller, which does not run here.
    const lorikeet = template('--set=scorer.persistence.enabled=false');
    const pods = [...lorikeet, ...kustomize('microsim')].flatMap((object) => podTemplateOf(object) ?? []);
    const exporter = pods.filter(({ spec }) => spec.containers[0]?.name === 'exporter');
    const others = pods.filter((pod) => !exporter.includes(pod));
    expect([exporter.length, others.length]).toEqual([1, 13]);
    for (const pod of others) expect(await admitted('restricted', pod)).toBe('admitted');
    for (const pod of exporter) {
      expect(await admitted('baseline', pod)).toMatch(
        /violates PodSecurity \\"baseline:latest\\": .*capabilities.*BPF.*PERFMON.*hostPath/,
      );
      expect(await admitted('privileged', pod)).toBe('admitted');
    }
  });
});

/** Helm does not render the namespace of objects. */
function inNamespace(object: KubernetesObject, namespace: string): KubernetesObject {
  return object.kind.startsWith('Cluster') ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

/** Helm stores every release of the chart. */
function withoutReleases(objects: Readonly<Record<string, string>>): unknown {
  return Object.fromEntries(Object.entries(objects).filter(([place]) => !place.includes('/sh.helm.release.v1.')));
}
