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

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Client credentials (RFC 6749, 4.4) or a signed assertion (RFC 7523), with TLS and a proxy of their own. */
export const oauth2Schema = z
  .strictObject({
    client_id: textSchema,
    client_secret: z.string('expected a string').optional(),
    client_secret_file: fileSchema.optional(),
    grant_type: z
      .enum(['client_credentials', JWT_BEARER], `expected client_credentials or ${JWT_BEARER}`)
      .default('client_credentials'),
    client_certificate_key_id: textSchema.optional(),
    client_certificate_key: z.string('expected a key in PEM format').optional(),
    client_certificate_key_file: fileSchema.optional(),
    signature_algorithm: z.enum(['RS256', 'RS384', 'RS512'], 'expected RS256, RS384 or RS512').default('RS256'),
    iss: textSchema.optional(),
    audience: textSchema.optional(),
    claims: z.record(z.string(), z.unknown()).default({}),
    scopes: z.array(textSchema, 'expected a list of scopes').default([]),
    token_url: urlSchema,
    endpoint_params: z.record(z.string(), z.string('expected a string')).default({}),
    tls_config: tlsSchema.optional(),
    ...proxyKeys,
  })
  .superRefine((oauth, context) => {
    refuseProxyContradictions(oauth, context);
    for (const key of ['client_secret', 'client_certificate_key'] as const) {
      const message = atMostOne(oauth, [key, `${key}_file`]);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    }
    if (oauth.grant_type !== JWT_BEARER) return;
    if (oauth.client_certificate_key !== undefined || oauth.client_certificate_key_file !== undefined) return;
    context.addIssue({ code: 'custom', message: 'expected client_certificate_key or client_certificate_key_file' });
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
    session_name: textSchema.optional(),
    tags: z.record(z.string(), z.string('expected a string')).optional(),
    use_fips_sts_endpoint: flagSchema.default(false),
    service_name: textSchema.default('aps'),
  })
  .refine((aws) => (aws.access_key === undefined) === (aws.secret_key === undefined), {
    message: 'expected access_key and secret_key together',
  })
  .superRefine((aws, context) => {
    for (const key of ['external_id', 'session_name', 'tags'] as const) {
      if (aws[key] === undefined || aws.role_arn !== undefined) continue;
      context.addIssue({ code: 'custom', path: [key], message: 'expected role_arn with it', input: aws[key] });
    }
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
        token_file_path: fileSchema.default(
          // The variable that Azure's webhook sets in pods.
          () => process.env['AZURE_FEDERATED_TOKEN_FILE'] || '/var/run/secrets/azure/tokens/azure-identity-token',
        ),
      })
      .optional(),
    certificate: z
      .strictObject({
        client_id: identifier,
        tenant_id: tenant,
        /** PEM; the key may be in a file of its own. */
        certificate_path: fileSchema,
        certificate_key_path: fileSchema.optional(),
        certificate_password: z.string('expected a string').optional(),
        send_certificate_chain: flagSchema.default(false),
      })
      .optional(),
    sdk: z.strictObject({ tenant_id: tenant.optional() }).nullable().optional(),
    scope: textSchema.optional(),
  })
  .superRefine((azure, context) => {
    const kinds = ['managed_identity', 'oauth', 'workload_identity', 'certificate', 'sdk'] as const;
    if (kinds.every((kind) => azure[kind] === undefined)) {
      context.addIssue({ code: 'custom', message: `expected one of ${kinds.join(', ')}` });
    }
    const message = atMostOne(azure, kinds);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
export type AzureadSettings = z.output<typeof azureadSchema>;
