import type { KubernetesObject } from './schema.ts';

interface Probe {
  readonly httpGet: Readonly<Record<string, unknown>>;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly Readonly<Record<string, unknown>>[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: unknown;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumes: readonly Readonly<Record<string, unknown>>[];
  readonly [key: string]: unknown;
}

export interface PodTemplate {
  readonly metadata: KubernetesObject['metadata'];
  readonly spec: PodSpec;
}

/** The pod template of an object; undefined if it has none. */
export function podTemplateOf(object: KubernetesObject): PodTemplate | undefined {
  return (object['spec'] as { template?: PodTemplate } | undefined)?.template;
}

/** The pod template of the only object of this kind. */
export function podTemplate(objects: readonly KubernetesObject[], kind: string): PodTemplate {
  const template = objects.filter((object) => object.kind === kind).map(podTemplateOf)[0];
  if (template === undefined) throw new Error(`no ${kind}`);
  return template;
}

/** Its only container. */
export function containerOf({ spec }: PodTemplate): Container {
  const [container, ...others] = spec.containers;
  if (container === undefined || others.length > 0) throw new Error(`${spec.containers.length} containers`);
  return container;
}
