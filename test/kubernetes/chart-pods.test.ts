import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFeatures } from '../../scorer/features/features.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';
import { findKubernetesProgram } from '../../scripts/generate/helm.ts';
import { describeWith } from '../skips/describe-with.ts';
import { HELM } from '../skips/needs.ts';
import { CHART, complaint, objectOf, objectsOf, template } from './manifests.ts';
import { containerOf, podTemplate } from './pods.ts';
import type { KubernetesObject } from './schema.ts';

const exporter = (...values: string[]) => podTemplate(template(...values), 'DaemonSet');
const scorer = (...values: string[]) => podTemplate(template(...values), 'StatefulSet');

describeWith([HELM], 'images', () => {
  const NO_REPOSITORY = '--set=exporter.image.repository=,scorer.image.repository=';
  const images = (...values: string[]) => {
    const objects = template(NO_REPOSITORY, ...values);
    return ['DaemonSet', 'StatefulSet'].map((kind) => containerOf(podTemplate(objects, kind)).image);
  };
  const DIGEST = `sha256:${'0'.repeat(64)}`;

  test.each([
    [['image.registry=r.example/a/'], ['r.example/a/lorikeet-exporter:0.2.0', 'r.example/a/lorikeet-scorer:0.2.0']],
    [
      ['image.registry=r.example', 'image.tag=v2', 'global.imageRegistry=mirror.example'],
      ['mirror.example/lorikeet-exporter:v2', 'mirror.example/lorikeet-scorer:v2'],
    ],
    [
      ['image.registry=r.example', `exporter.image.digest=${DIGEST}`],
      [`r.example/lorikeet-exporter@${DIGEST}`, 'r.example/lorikeet-scorer:0.2.0'],
    ],
    [
      ['exporter.image.repository=r.example/a', 'scorer.image.repository=r.example/b', `scorer.image.digest=${DIGEST}`],
      ['r.example/a:0.2.0', `r.example/b@${DIGEST}`],
    ],
  ])('of %o are %o', (values, expected) => {
    expect(images(...values.map((value) => `--set=${value}`))).toEqual(expected);
  });

  test('without a registry are refused', () => {
    expect(complaint(CHART, NO_REPOSITORY)).toMatch(
      /image\.registry: missing, expected the registry of the image lorikeet-\w+, such as registry\.example\/monitoring, or all of its name in \w+\.image\.repository/,
    );
    expect(complaint(CHART, NO_REPOSITORY, '--set=scorer.image.repository=a')).toContain('lorikeet-exporter');
    const alone = template(NO_REPOSITORY, '--set=exporter.enabled=false,scorer.image.repository=a');
    expect(containerOf(podTemplate(alone, 'StatefulSet')).image).toBe('a:0.2.0');
  });

  test('of the shop are set by kustomize', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lorikeet-shop-'));
    try {
      const own = '[{ name: lorikeet-sim, newName: r.example/lorikeet-sim, newTag: "2" }]';
      const shop = relative(realpathSync(folder), resolve('manifests/microsim'));
      writeFileSync(join(folder, 'kustomization.yaml'), `resources: [${shop}]\nimages: ${own}\n`);
      const kubectl = findKubernetesProgram('.', 'kubectl') ?? '';
      const objects = objectsOf(execFileSync(kubectl, ['kustomize', folder], { encoding: 'utf8', maxBuffer: 2 ** 26 }));
      const deployments = objects.filter(({ kind }) => kind === 'Deployment');
      expect(deployments.length).toBe(12);
      for (const one of deployments) expect(JSON.stringify(one)).toContain('"image":"r.example/lorikeet-sim:2"');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describeWith([HELM], 'names', () => {
  const namesOf = (...values: string[]) => template(...values).map(({ metadata }) => metadata.name);

  test.each([
    ['nameOverride=bird', 'lorikeet-bird-'],
    ['fullnameOverride=bird', 'bird-'],
    ['nameOverride=lori', 'lorikeet-'],
  ])('follow %s', (value, prefix) => {
    expect(namesOf(`--set=${value}`).filter((name) => !name.startsWith(prefix))).toEqual([]);
  });

  test('are the only thing that an override changes: monitors select pods by their labels', () => {
    const labels = (...values: string[]) => exporter(...values).metadata.labels;
    expect(labels('--set=nameOverride=bird')).toEqual(labels());
  });

  test('of another namespace are in all objects that have one', () => {
    const objects = template(
      '--set=namespaceOverride=birds,operator.enabled=true,prometheus.enabled=true,dashboards.enabled=true',
      '--set=web.tls.secretName=tls',
    );
    expect(
      objects
        .filter(({ metadata }) => metadata.namespace !== 'birds')
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['ClusterRole', 'ClusterRoleBinding']);
    const binding = objects.find(({ kind }) => kind === 'ClusterRoleBinding');
    expect(binding?.['subjects']).toMatchObject([{ namespace: 'birds' }]);
    expect(template().filter(({ metadata }) => metadata.namespace !== undefined)).toEqual([]);
  });

  test('of service accounts may be of existing ones', () => {
    const accounts = (objects: readonly KubernetesObject[]) =>
      objects.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name);
    const existing = template('--set=exporter.serviceAccount.create=false,exporter.serviceAccount.name=mine');
    expect(accounts(existing)).toEqual(['lorikeet-scorer']);
    expect(podTemplate(existing, 'DaemonSet').spec['serviceAccountName']).toBe('mine');
    const binding = existing.find(({ kind }) => kind === 'ClusterRoleBinding');
    expect(binding?.['subjects']).toMatchObject([{ name: 'mine' }]);
    expect(accounts(template('--set=scorer.serviceAccount.name=named')).sort()).toEqual(['lorikeet-exporter', 'named']);
    expect(scorer('--set=scorer.serviceAccount.create=false').spec['serviceAccountName']).toBe('default');
  });
});

describeWith([HELM], 'pods', () => {
  const TZ = { name: 'TZ', value: 'UTC' };

  test('have further environment variables and arguments', () => {
    const values = ['exporter', 'scorer'].flatMap((program) => [
      `--set-json=${program}.extraEnv=${JSON.stringify([TZ])}`,
      `--set=${program}.extraArgs={--log.format=json}`,
    ]);
    const [one, other] = [containerOf(exporter(...values)), containerOf(scorer(...values))];
    expect(one.env).toMatchObject([{ name: 'NODE_NAME' }, TZ]);
    expect(other.env).toEqual([TZ]);
    for (const { args } of [one, other]) expect(args.at(-1)).toBe('--log.format=json');
  });

  test('have security contexts in which a key of the user replaces that of the chart, also by false and 0', () => {
    const pod = scorer(
      '--set-json=scorer.podSecurityContext={"runAsUser":0,"runAsNonRoot":false}',
      '--set-json=scorer.securityContext={"readOnlyRootFilesystem":false,"capabilities":{"add":["CHOWN"]}}',
    );
    expect(pod.spec.securityContext).toMatchObject({ runAsUser: 0, runAsNonRoot: false, runAsGroup: 65532 });
    expect(containerOf(pod).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: false,
      capabilities: { add: ['CHOWN'] },
    });
  });

  test('of the exporter run as user 0 with the same two capabilities, in one value', () => {
    const pod = exporter('--set=exporter.runAsRoot=true');
    expect(pod.spec.securityContext).toMatchObject({ runAsNonRoot: false, runAsUser: 0, runAsGroup: 0 });
    expect(containerOf(pod).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['BPF', 'PERFMON'] },
    });
  });

  test('of the exporter see the cgroup tree wherever the node has it', () => {
    const pod = exporter('--set=exporter.cgroupPath=/run/cgroup2');
    expect(pod.spec.volumes).toEqual([{ name: 'cgroup', hostPath: { path: '/run/cgroup2', type: 'Directory' } }]);
    expect(containerOf(pod).args).toContain('--path.cgroupfs=/host/sys/fs/cgroup');
  });

  test('of the scorer are spread, without a selector over those of the scorer', () => {
    const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' };
    const own = { ...constraint, labelSelector: { matchLabels: { a: 'b' } } };
    const labels = { 'app.kubernetes.io/name': 'lorikeet-scorer', 'app.kubernetes.io/instance': 'lorikeet' };
    const pod = scorer(`--set-json=scorer.topologySpreadConstraints=${JSON.stringify([constraint, own])}`);
    expect(pod.spec['topologySpreadConstraints']).toEqual([
      { ...constraint, labelSelector: { matchLabels: labels } },
      own,
    ]);
  });

  test('come with objects of the user, templates rendered', () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-one' } };
    const text = 'apiVersion: v1\nkind: Secret\nmetadata: {name: {{ include "lorikeet.fullname" . }}-two}\n';
    const objects = template(`--set-json=extraManifests=${JSON.stringify([map, text])}`);
    expect(objectOf(objects, 'ConfigMap', 'lorikeet-one').apiVersion).toBe('v1');
    expect(objectOf(objects, 'Secret', 'lorikeet-two').apiVersion).toBe('v1');
  });
});

describeWith([HELM], "the scorer's volume", () => {
  interface Claim {
    readonly spec: { readonly storageClassName?: string };
  }
  const claims = (...values: string[]) => {
    const spec = objectOf(template(...values), 'StatefulSet', 'lorikeet-scorer')['spec'];
    return (spec as { volumeClaimTemplates?: readonly Claim[] }).volumeClaimTemplates;
  };

  test.each([
    ['', undefined],
    ['fast', 'fast'],
    ['-', ''],
  ])('of the storage class %j', (name, expected) => {
    const [claim] = claims(`--set=scorer.persistence.storageClassName=${name}`) ?? [];
    expect(claim?.spec.storageClassName).toBe(expected);
  });

  test('may be of an existing claim, with one shard', () => {
    const existing = '--set=scorer.persistence.existingClaim=mine';
    expect(scorer(existing).spec.volumes).toContainEqual({
      name: 'state',
      persistentVolumeClaim: { claimName: 'mine' },
    });
    expect(claims(existing)).toBeUndefined();
    expect(complaint(CHART, existing, '--set=scorer.shards=2')).toContain(
      'scorer.persistence.existingClaim: expected one shard',
    );
  });
});

describeWith([HELM], 'features of the user', () => {
  const folder = join(tmpdir(), `lorikeet-features-${process.pid}`);
  const path = join(folder, 'features.yaml');
  const text = readFileSync('rules/features-http-status.yaml', 'utf8').replace(
    /^extends: .*$/m,
    `extends: ${resolve('rules/features.yaml')}`,
  );
  beforeAll(() => {
    mkdirSync(folder);
    writeFileSync(path, text);
    writeFileSync(join(folder, 'rules.yaml'), renderRecordingRules(readFeatures(path)));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const features = `--set-file=scorer.features=${path}`;
  const files = `--set-file=operator.ruleFiles.own=${join(folder, 'rules.yaml')}`;
  const operator = '--set=operator.enabled=true';

  test('are a file that the scorer reads, and restart it when they change', () => {
    const objects = template(features);
    const { data } = objectOf(objects, 'ConfigMap', 'lorikeet-scorer') as unknown as { data: Record<string, string> };
    expect(data['features.yaml']).toBe(text);
    expect(load(data['scorer.yaml'] ?? '')).toMatchObject({ features_file: 'features.yaml' });
    const checksum = (pod: typeof objects) => podTemplate(pod, 'StatefulSet').metadata.annotations?.['checksum/config'];
    expect(checksum(objects)).not.toBe(checksum(template(`--set=scorer.features=features: []`)));
    writeFileSync(join(folder, 'scorer.yaml'), data['scorer.yaml'] ?? '');
    const check =
      'hostname lorikeet-scorer-0 && exec "$0" dist/lorikeet-scorer.js run --config.check --config.file="$1"';
    const command = ['--uts', 'sh', '-c', check, process.execPath, join(folder, 'scorer.yaml')];
    expect(execFileSync('unshare', command, { encoding: 'utf8' })).toContain(': valid, ');
  });

  test('need their own recording rules, in place of those of the chart', () => {
    expect(complaint(CHART, operator, features)).toContain(
      'scorer.features: the chart has only the recording rules of the shipped features: set operator.ruleFiles',
    );
    const names = template(operator, features, files, '--set-json=scorer.config.detectors={"instance_outlier":{}}')
      .filter(({ kind }) => kind === 'PrometheusRule')
      .map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(['lorikeet-detectors', 'lorikeet-health', 'lorikeet-own', 'lorikeet-services']);
    const map = objectOf(template('--set=prometheus.enabled=true', features), 'ConfigMap', 'lorikeet-rules');
    expect(Object.keys(map['data'] as object).sort()).toEqual(['lorikeet.alerts.yaml', 'services.alerts.yaml']);
  });

  test('are refused beside a path to others', () => {
    expect(complaint(CHART, features, '--set=scorer.config.features_file=x')).toContain(
      'scorer.config.features_file: expected this or scorer.features, not both',
    );
  });
});
