import * as z from 'zod';
import { urlSchema } from '../../config-file.ts';
import { proxyKeys, refuseProxyContradictions } from './proxy.ts';
import { atMostOne, fileSchema, flagSchema, textSchema } from './text.ts';
import { tlsSchema } from './tls.ts';

export const basicAuthSchema = z
  .strictObject({
    username: z.string('expected a string').optional(),
    username_file: fileSchema.optional(),
    password: z.string('expected a string').optional(),
    password_file: fileSchema.optional(),
  })
  .superRefine((auth, context) => {
    for (const key of ['username', 'password'] as const) {
      const message = atMostOne(auth, [key, `${key}_file`]);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    }
    if (auth.username?.includes(':') === true) {
      context.addIssue({ code: 'custom', path: ['username'], message: 'expected a name without a colon' });
    }
  });

export const authorizationSchema = z
  .strictObject({
    type: textSchema
      .default('Bearer')
      .refine((type) => type.toLowerCase() !== 'basic', { message: 'expected another type: for basic use basic_auth' }),
    credentials: z.string('expected a string').optional(),
    credentials_file: fileSchema.optional(),
  })
  .refine((auth) => (auth.credentials === undefined) !== (auth.credentials_file === undefined), {
    message: 'expected one of credentials and credentials_file',
  });

/** Client credentials (RFC 6749, 4.4), with TLS and a proxy of their own. */
export const oauth2Schema = z
  .strictObject({
    client_id: textSchema,
    client_secret: z.string('expected a string').optional(),
    client_secret_file: fileSchema.optional(),
    scopes: z.array(textSchema, 'expected a list of scopes').default([]),
    token_url: urlSchema,
    endpoint_params: z.record(z.string(), z.string('expected a string')).default({}),
    tls_config: tlsSchema.optional(),
    ...proxyKeys,
  })
  .superRefine((oauth, context) => {
    refuseProxyContradictions(oauth, context);
    const message = atMostOne(oauth, ['client_secret', 'client_secret_file']);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
export type OAuth2Settings = z.output<typeof oauth2Schema>;

/** Signatures of Amazon Web Services. Without keys, the SDK's default chain finds them. */
export const sigv4Schema = z
  .strictObject({
    region: textSchema.optional(),
    access_key: textSchema.optional(),
    secret_key: textSchema.optional(),
    profile: textSchema.optional(),
    role_arn: textSchema.optional(),
    external_id: textSchema.optional(),
    use_fips_sts_endpoint: flagSchema.default(false),
    service_name: textSchema.default('aps'),
  })
  .refine((aws) => (aws.access_key === undefined) === (aws.secret_key === undefined), {
    message: 'expected access_key and secret_key together',
  })
  .refine((aws) => aws.external_id === undefined || aws.role_arn !== undefined, {
    path: ['external_id'],
    message: 'expected role_arn with it',
  });
export type Sigv4Settings = z.output<typeof sigv4Schema>;

const CLOUDS = ['AzurePublic', 'AzureChina', 'AzureGovernment'] as const;
const identifier = z.string('expected a UUID').regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'expected a UUID');
const tenant = z.string('expected a tenant').regex(/^[0-9a-zA-Z.-]+$/, 'expected the id or the domain of a tenant');
const customCloud = z.strictObject({
  name: z.literal('AzureCustom', 'expected AzureCustom'),
  aad_endpoint: urlSchema.refine((url) => url.startsWith('https:'), 'expected an https URL'),
  token_audience: textSchema,
});

/** Microsoft Entra ID, as for Azure Monitor workspaces. */
export const azureadSchema = z
  .strictObject({
    cloud: z
      .union([z.enum(CLOUDS), customCloud], `expected ${CLOUDS.join(', ')}, or name: AzureCustom with aad_endpoint`)
      .default('AzurePublic'),
    managed_identity: z.strictObject({ client_id: identifier.optional() }).nullable().optional(),
    oauth: z.strictObject({ client_id: identifier, client_secret: textSchema, tenant_id: tenant }).optional(),
    workload_identity: z
      .strictObject({
        client_id: identifier,
        tenant_id: tenant,
        token_file_path: fileSchema.default('/var/run/secrets/azure/tokens/azure-identity-token'),
      })
      .optional(),
    sdk: z.strictObject({ tenant_id: tenant.optional() }).nullable().optional(),
    scope: textSchema.optional(),
  })
  .superRefine((azure, context) => {
    const kinds = ['managed_identity', 'oauth', 'workload_identity', 'sdk'] as const;
    if (kinds.every((kind) => azure[kind] === undefined)) {
      context.addIssue({ code: 'custom', message: `expected one of ${kinds.join(', ')}` });
    }
    const message = atMostOne(azure, kinds);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
export type AzureadSettings = z.output<typeof azureadSchema>;
