import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as z from 'zod';
import { urlSchema } from '../config-file.ts';

const text = z.string('expected a string').min(1, 'expected a non-empty string');

/** Headers set by the protocol or the client; a user's value would break the request or be ignored. */
const RESERVED_HEADERS = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'transfer-encoding',
  'user-agent',
  'www-authenticate',
  'x-prometheus-remote-write-version',
]);

const headersSchema = z
  .record(
    z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'expected a header name'),
    z.string('expected a string').regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'expected a header value on one line'),
  )
  .superRefine((headers, context) => {
    for (const name of Object.keys(headers)) {
      if (!RESERVED_HEADERS.has(name.toLowerCase())) continue;
      context.addIssue({ code: 'custom', path: [name], message: 'this header is set by the program itself' });
    }
  });

const basicAuthSchema = z
  .strictObject({
    username: z.string('expected a string').default(''),
    password: z.string().optional(),
    password_file: text.optional(),
  })
  .refine((auth) => auth.password === undefined || auth.password_file === undefined, {
    message: 'expected password or password_file, not both',
  })
  .refine((auth) => !auth.username.includes(':'), { path: ['username'], message: 'expected a name without a colon' });

const authorizationSchema = z
  .strictObject({
    type: text
      .default('Bearer')
      .refine((type) => type.toLowerCase() !== 'basic', { message: 'expected another type: for basic use basic_auth' }),
    credentials: z.string().optional(),
    credentials_file: text.optional(),
  })
  .refine((auth) => (auth.credentials === undefined) !== (auth.credentials_file === undefined), {
    message: 'expected one of credentials and credentials_file',
  });

const tlsSchema = z
  .strictObject({
    ca_file: text.optional(),
    cert_file: text.optional(),
    key_file: text.optional(),
    server_name: text.optional(),
    insecure_skip_verify: z.boolean('expected true or false').default(false),
  })
  .refine((tls) => (tls.cert_file === undefined) === (tls.key_file === undefined), {
    message: 'expected cert_file and key_file together',
  });

/** Prometheus' settings of an HTTP client, https://prometheus.io/docs/prometheus/latest/configuration/configuration/ */
export const httpClientSchema = z
  .strictObject({
    basic_auth: basicAuthSchema.optional(),
    authorization: authorizationSchema.optional(),
    tls_config: tlsSchema.optional(),
    /** Sent with every request, such as a tenant. */
    headers: headersSchema.default({}),
    /** An http or https proxy; the URL may contain user and password. */
    proxy_url: urlSchema.optional(),
    follow_redirects: z.boolean('expected true or false').default(true),
  })
  .refine((settings) => settings.basic_auth === undefined || settings.authorization === undefined, {
    message: 'expected basic_auth or authorization, not both',
  });

export type HttpClientSettings = z.output<typeof httpClientSchema>;

/** The settings with file names resolved relative to `folder`, the directory of the configuration file. */
export function resolveHttpClientFiles(settings: HttpClientSettings, folder: string): HttpClientSettings {
  const at = (file: string) => resolve(folder, file);
  const { basic_auth: basic, authorization, tls_config: tls } = settings;
  return {
    ...settings,
    ...(basic?.password_file !== undefined && { basic_auth: { ...basic, password_file: at(basic.password_file) } }),
    ...(authorization?.credentials_file !== undefined && {
      authorization: { ...authorization, credentials_file: at(authorization.credentials_file) },
    }),
    ...(tls !== undefined && {
      tls_config: {
        ...tls,
        ...(tls.ca_file !== undefined && { ca_file: at(tls.ca_file) }),
        ...(tls.cert_file !== undefined && { cert_file: at(tls.cert_file) }),
        ...(tls.key_file !== undefined && { key_file: at(tls.key_file) }),
      },
    }),
  };
}

/** The value of the Authorization header. Reads its file each time, so a rotated secret takes effect immediately. */
export async function readAuthorization(settings: HttpClientSettings): Promise<string | undefined> {
  const { basic_auth: basic, authorization } = settings;
  if (basic !== undefined) {
    const password = basic.password_file === undefined ? (basic.password ?? '') : await readSecret(basic.password_file);
    return `Basic ${Buffer.from(`${basic.username}:${password}`).toString('base64')}`;
  }
  if (authorization === undefined) return undefined;
  const { credentials_file: file } = authorization;
  return `${authorization.type} ${file === undefined ? (authorization.credentials ?? '') : await readSecret(file)}`;
}

export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export async function readTlsMaterial(settings: HttpClientSettings): Promise<TlsMaterial> {
  const { ca_file: ca, cert_file: cert, key_file: key } = settings.tls_config ?? {};
  const read = async (file: string | undefined) => (file === undefined ? undefined : await readFile(file, 'utf8'));
  const [caText, certText, keyText] = await Promise.all([read(ca), read(cert), read(key)]);
  return {
    ...(caText !== undefined && { ca: caText }),
    ...(certText !== undefined && { cert: certText }),
    ...(keyText !== undefined && { key: keyText }),
  };
}

/** Files of secrets often end in a newline; Prometheus trims them too. */
async function readSecret(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim();
}
