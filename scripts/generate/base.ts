import { load } from 'js-yaml';
import { kustomization } from './operator.ts';

/** Release, namespace and values of the base, for `helm template`: kustomize's `images` adds the registry. */
export const BASE = {
  release: 'lorikeet',
  namespace: 'lorikeet',
  values: ['--set=exporter.image.repository=lorikeet-exporter,scorer.image.repository=lorikeet-scorer'],
} as const;

const NOTE = '# Rendered from manifests/chart by `npm run generate`; change the chart instead.\n';
const SOURCE = /^# Source: lorikeet\/templates\/(.+)$/m;
const SCORER_CONFIG = 'scorer/scorer.yaml';
/** Only for Helm: kustomize gives a generated ConfigMap a new name when its content changes. */
const CHECKSUM = /\n +annotations:\n +checksum\/config: .*(?=\n)/;

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly data: Readonly<Record<'scorer.yaml', string>>;
}

/**
 * The chart with its default values as a kustomize base: one file for each template, with comments, and the scorer's
 * configuration as a separate file.
 *
 * @param rendered the output of `helm template`
 */
export function kustomizeBase(rendered: string): Record<string, string> {
  const objects: Record<string, string> = { 'namespace.yaml': NAMESPACE };
  for (const text of rendered.split(/^---\n/m)) {
    const path = SOURCE.exec(text)?.[1];
    if (path !== undefined) objects[path] = `${NOTE}${text.replace(SOURCE, '').trim()}\n`.replace(CHECKSUM, '');
  }
  const { 'scorer/configmap.yaml': configMap = '', ...resources } = objects;
  const { metadata, data } = load(configMap) as ConfigMap;
  const generator = {
    name: metadata.name,
    files: [SCORER_CONFIG],
    options: { labels: metadata.labels },
  };
  return {
    ...resources,
    [SCORER_CONFIG]: data['scorer.yaml'],
    'kustomization.yaml':
      NOTE +
      kustomization({
        namespace: BASE.namespace,
        resources: Object.keys(resources).sort(),
        configMapGenerator: [generator],
      }),
  };
}

const NAMESPACE = `${NOTE}# The levels baseline and restricted forbid the exporter's capabilities and its mount of the cgroup tree.
apiVersion: v1
kind: Namespace
metadata:
  name: ${BASE.namespace}
  labels:
    app.kubernetes.io/part-of: lorikeet
    pod-security.kubernetes.io/enforce: privileged
`;
