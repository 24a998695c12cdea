import { z } from 'zod';
import { BCRYPT_HASH } from '../../daemon/web-config/passwords.ts';
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
  image: z.strictObject({ repository: text, digest: z.string().regex(/^$|^sha256:[0-9a-f]{64}$/) }),
  extraArgs: z.array(z.string().regex(/^--/)),
  extraEnv: objects,
  port,
  resources: z.strictObject({ requests: object.optional(), limits: object.optional() }),
  priorityClassName: text,
  nodeSelector: labels,
  tolerations: objects,
  affinity: object,
  podAnnotations: labels,
  podLabels: labels,
  serviceAccount: z.strictObject({ create: z.boolean(), name: text, annotations: labels }),
  podSecurityContext: object,
  securityContext: object,
  extraVolumes: objects,
  extraVolumeMounts: objects,
};

const collectors = Object.fromEntries(COLLECTOR_NAMES.map((name) => [name, z.boolean()]));

const values = z
  .strictObject({
    /** Further keys are of a parent chart. */
    global: z.looseObject({ imageRegistry: text.optional() }),
    nameOverride: text,
    fullnameOverride: text,
    namespaceOverride: text,
    image: z.strictObject({
      registry: text,
      tag: text,
      pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
      pullSecrets: z.array(text),
    }),
    web: z.strictObject({
      tls: z.strictObject({ secretName: text, caKey: text, serverName: text }),
      auth: z.strictObject({
        users: z.record(z.string(), z.string().regex(BCRYPT_HASH)),
        secretName: text,
        scrapeSecretName: text,
      }),
    }),
    exporter: z.strictObject({
      ...pods,
      monitorDefault: z.enum(['all', 'none']),
      collectors: z.strictObject(collectors).partial(),
      httpStatusPorts: z.array(port),
      adoptOlderSockets: z.boolean(),
      cgroupPath: z.string().regex(/^\//),
      runAsRoot: z.boolean(),
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
      features: text,
      persistence: z.strictObject({ enabled: z.boolean(), existingClaim: text, size: text, storageClassName: text }),
      topologySpreadConstraints: objects,
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
      podMonitor: z.strictObject({
        interval: text,
        scrapeTimeout: text,
        relabelings: objects,
        metricRelabelings: objects,
        sampleLimit: z.int().min(0),
      }),
    }),
    prometheus: z.strictObject({ enabled: z.boolean(), scrapeConfig: object }),
    dashboards: z.strictObject({ enabled: z.boolean(), labels }),
    extraManifests: z.array(z.union([object, text])),
  })
  .partial({ global: true });

/**
 * The JSON schema of the chart's values. The scorer's part is the schema of its configuration, so that an unknown key
 * is rejected before the installation.
 */
export function chartValuesSchema(): object {
  return z.toJSONSchema(values, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
}
