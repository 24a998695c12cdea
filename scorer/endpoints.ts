import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { durationSchema, urlSchema } from '../daemon/config-file.ts';
import { httpClientSchema } from '../daemon/http-client/client.ts';
import { setsCredentials } from '../daemon/http-client/settings.ts';
import { checkHttpClientFiles, resolveHttpClientFiles } from '../daemon/http-client/settings/files.ts';
import { LABEL_NAME } from '../daemon/labels.ts';
import { redactUrl } from '../daemon/secrets/redact.ts';

/** Durations in milliseconds. */
export const ENDPOINT_DEFAULTS = { timeout: 30_000, retryAge: 10 * 60_000, maxSamplesPerSend: 2000 } as const;

/** More than this overflows Node.js' timers, which then fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const endpointSchema = httpClientSchema.safeExtend({
  url: urlSchema,
  timeout: durationSchema
    .refine((timeout) => timeout <= MAX_TIMEOUT_MS, 'expected at most 24d')
    .default(ENDPOINT_DEFAULTS.timeout),
});

function refuseTwoCredentials(endpoint: z.output<typeof endpointSchema>, context: z.RefinementCtx): void {
  const { username, password } = new URL(endpoint.url);
  if ((username === '' && password === '') || !setsCredentials(endpoint)) return;
  context.addIssue({
    code: 'custom',
    path: ['url'],
    message: 'expected credentials in the URL or in keys of their own, not both',
    input: endpoint.url,
  });
}

/** The section `prometheus`: where queries are sent. */
export const prometheusSchema = endpointSchema.superRefine(refuseTwoCredentials).superRefine(({ url }, context) => {
  if (!/\/api\/v1(\/(query|query_range|write|read))?\/*$/.test(new URL(url).pathname)) return;
  context.addIssue({ code: 'custom', path: ['url'], message: 'expected the URL up to /api/v1', input: url });
});

/** The section `expected.alertmanager`: where silences are read. */
export const alertmanagerSchema = endpointSchema
  .safeExtend({
    /** A silence with a matcher for this label says that what its services do is expected. */
    silence_label: z
      .string('expected the name of a label')
      .regex(LABEL_NAME, 'expected the name of a label')
      .default('expected'),
  })
  .superRefine(refuseTwoCredentials)
  .superRefine(({ url }, context) => {
    if (!/\/api\/v[12](\/|$)/.test(new URL(url).pathname)) return;
    context.addIssue({ code: 'custom', path: ['url'], message: 'expected the URL up to /api/v2', input: url });
  });

export type AlertmanagerSettings = z.output<typeof alertmanagerSchema>;

/** Prometheus' names of the messages of remote write 1.0 and 2.0. */
export const WRITE_MESSAGES = ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'] as const;

const targetSchema = endpointSchema
  .safeExtend({
    /** Stands for the target in metrics and logs. Default: its URL. */
    name: z.string('expected a name').min(1, 'expected a name').optional(),
    /** Default: 2.0 if the receiver accepts it. */
    protobuf_message: z.enum(WRITE_MESSAGES, `expected ${WRITE_MESSAGES.join(' or ')}`).optional(),
    retry_age: durationSchema.default(ENDPOINT_DEFAULTS.retryAge),
    max_samples_per_send: z.int('expected a whole number').positive().default(ENDPOINT_DEFAULTS.maxSamplesPerSend),
  })
  .superRefine(refuseTwoCredentials);

export type RemoteWriteTarget = z.output<typeof targetSchema>;

/** The section `remote_write`: a target, or a list as in Prometheus. */
export const remoteWriteSchema = z
  .union([targetSchema, z.array(targetSchema).min(1, 'expected at least one target')])
  .transform((value): readonly RemoteWriteTarget[] => (Array.isArray(value) ? value : [value]))
  .superRefine((targets, context) => {
    const names = targets.map(targetName);
    for (const [at, name] of names.entries()) {
      if (names.indexOf(name) === at) continue;
      context.addIssue({ code: 'custom', path: [at, 'name'], message: 'expected a name of its own', input: name });
    }
  });

/** The name of a target in metrics and logs, without secrets. */
export function targetName({ name, url }: RemoteWriteTarget): string {
  return name ?? redactUrl(url);
}

/** The keys of the targets in the configuration, for messages. */
export function targetKeys(targets: readonly RemoteWriteTarget[]): string[] {
  return targets.map((_, at) => (targets.length > 1 ? `remote_write[${at}]` : 'remote_write'));
}

/** The version of the protocol that a target is configured to get; undefined: what its receiver supports. */
export function writeVersionOf({ protobuf_message: message }: RemoteWriteTarget): '1.0' | '2.0' | undefined {
  if (message === undefined) return undefined;
  return message === 'prometheus.WriteRequest' ? '1.0' : '2.0';
}

interface Endpoints {
  readonly prometheus: z.output<typeof prometheusSchema>;
  readonly remote_write?: readonly RemoteWriteTarget[] | undefined;
}

/** A section with an optional Alertmanager. */
interface WithAlertmanager {
  readonly alertmanager?: AlertmanagerSettings | undefined;
}

/**
 * The endpoints with file names resolved against the directory of the configuration file.
 *
 * @param path of the configuration file, as the user wrote it
 * @throws ConfigError if a file of the endpoints cannot be used
 */
export function openEndpoints<P extends Endpoints['prometheus'], X extends WithAlertmanager>(
  path: string,
  { prometheus, remote_write: targets, expected }: Endpoints & { readonly prometheus: P; readonly expected: X },
): Pick<Endpoints, 'remote_write'> & { readonly prometheus: P; readonly expected: X } {
  const directory = dirname(resolve(path));
  const checked = <E extends z.output<typeof endpointSchema>>(key: string, endpoint: E): E => {
    const resolved = resolveHttpClientFiles(endpoint, directory);
    checkHttpClientFiles(path, key, resolved);
    return resolved;
  };
  const keys = targetKeys(targets ?? []);
  const { alertmanager } = expected;
  return {
    prometheus: checked('prometheus', prometheus),
    expected: {
      ...expected,
      ...(alertmanager !== undefined && { alertmanager: checked('expected.alertmanager', alertmanager) }),
    },
    ...(targets !== undefined && {
      remote_write: targets.map((target, at) => checked(keys[at] ?? '', target)),
    }),
  };
}
