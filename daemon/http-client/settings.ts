import * as z from 'zod';
import {
  authorizationSchema,
  azureadSchema,
  basicAuthSchema,
  oauth2Schema,
  sigv4Schema,
} from './settings/credentials.ts';
import { headersSchema, httpHeadersSchema } from './settings/headers.ts';
import { proxyKeys, refuseProxyContradictions } from './settings/proxy.ts';
import { atMostOne, fileSchema, flagSchema } from './settings/text.ts';
import { tlsSchema } from './settings/tls.ts';

/** The keys of which at most one may be set, because each sets the Authorization header. */
const CREDENTIALS = [
  'basic_auth',
  'authorization',
  'bearer_token',
  'bearer_token_file',
  'oauth2',
  'sigv4',
  'azuread',
] as const;

/**
 * Prometheus' settings of an HTTP client, those that only remote_write has included.
 * https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config
 */
export const httpClientSchema = z
  .strictObject({
    basic_auth: basicAuthSchema.optional(),
    authorization: authorizationSchema.optional(),
    /** Prometheus' older keys for `authorization` with type Bearer. */
    bearer_token: z.string('expected a string').min(1, 'expected a token').optional(),
    bearer_token_file: fileSchema.optional(),
    oauth2: oauth2Schema.optional(),
    sigv4: z.preprocess((value) => (value === null ? {} : value), sigv4Schema.optional()),
    azuread: azureadSchema.optional(),
    tls_config: tlsSchema.optional(),
    /** Sent with every request, such as a tenant. */
    headers: headersSchema.default({}),
    http_headers: httpHeadersSchema.default({}),
    ...proxyKeys,
    follow_redirects: flagSchema.default(true),
    /** Accepted and without effect: the client speaks HTTP/1.1, which every server of these APIs does. */
    enable_http2: flagSchema.default(true),
  })
  .superRefine((settings, context) => {
    const message = atMostOne(settings, CREDENTIALS);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
    refuseProxyContradictions(settings, context);
    const names = Object.keys(settings.headers).map((name) => name.toLowerCase());
    for (const name of Object.keys(settings.http_headers)) {
      if (!names.includes(name.toLowerCase())) continue;
      context.addIssue({ code: 'custom', path: ['http_headers', name], message: 'expected a name that headers lacks' });
    }
  });

export type HttpClientSettings = z.output<typeof httpClientSchema>;

/** True if the settings say how the Authorization header is made. */
export function setsCredentials(settings: HttpClientSettings): boolean {
  return CREDENTIALS.some((key) => settings[key] !== undefined);
}
