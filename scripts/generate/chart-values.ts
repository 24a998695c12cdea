import { z } from 'zod';
import { COLLECTOR_NAMES } from '../../exporter/collectors/all.ts';
import { scorerKeys } from '../../scorer/config.ts';
import { DETECTOR_NAMES } from '../../scorer/detectors/settings.ts';

const text = z.string();
const port = z.int().min(1).max(65_535);
/** Validated by the API server. */
const object = z.looseObject({});
const objects = z.array(object);
const labels = z.record(z.string(), z.string());

/** Values for the pods of both programs. */
const pods = {
  enabled: z.boolean(),
  extraArgs: z.array(z.string().regex(/^--/)),
  port,
  resources: z.strictObject({ requests: object.optional(), limits: object.optional() }),
  priorityClassName: text,
  nodeSelector: labels,
  tolerations: objects,
  affinity: object,
  podAnnotations: labels,
  podLabels: labels,
  serviceAccountAnnotations: labels,
  extraVolumes: objects,
  extraVolumeMounts: objects,
};

const collectors = Object.fromEntries(COLLECTOR_NAMES.map((name) => [name, z.boolean()]));

const values = z
  .strictObject({
    /** Set by a parent chart. */
    global: object,
    image: z.strictObject({
      registry: text,
      tag: text,
      pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
      pullSecrets: z.array(text),
    }),
    exporter: z.strictObject({
      ...pods,
      monitorDefault: z.enum(['all', 'none']),
      collectors: z.strictObject(collectors).partial(),
      httpStatusPorts: z.array(port),
      adoptOlderSockets: z.boolean(),
      seccompProfile: z.strictObject({
        type: z.enum(['RuntimeDefault', 'Unconfined', 'Localhost']),
        localhostProfile: text.optional(),
      }),
      seLinuxOptions: labels,
      maxUnavailable: z.union([z.int().positive(), z.string().regex(/^[1-9]\d?%$|^100%$/)]),
    }),
    scorer: z.strictObject({
      ...pods,
      shards: z.int().min(1).max(1000),
      config: scorerKeys.omit({ shard: true, state_dir: true }),
      persistence: z.strictObject({ enabled: z.boolean(), size: text, storageClassName: text }),
    }),
    networkPolicy: z.strictObject({
      enabled: z.boolean(),
      prometheus: z.strictObject({ namespaceSelector: object, podSelector: object, ports: z.array(port) }),
      apiServerPorts: z.array(port),
      extraEgress: objects,
    }),
    rules: z.strictObject({ detector: z.enum(DETECTOR_NAMES) }),
    operator: z.strictObject({
      enabled: z.boolean(),
      rules: z.boolean(),
      ruleFiles: z.record(z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/), text),
      labels,
    }),
    prometheus: z.strictObject({ enabled: z.boolean() }),
    dashboards: z.strictObject({ enabled: z.boolean(), labels }),
  })
  .partial({ global: true });

/**
 * The JSON schema of the chart's values. The scorer's part is the schema of its configuration, so that an unknown key
 * is rejected before the installation.
 */
export function chartValuesSchema(): object {
  return z.toJSONSchema(values, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
}
