import { resolve, dirname } from 'node:path';
import * as z from 'zod';
import { readConfigFile } from '../config-file.ts';
import { BCRYPT_HASH } from './passwords.ts';
import { curveName, TLS_VERSIONS, opensslCipher } from './ciphers.ts';

const fileName = z.string('expected a file name').min(1, 'expected a file name');

/** Go's names, as exporter-toolkit uses them. */
const CLIENT_AUTH_TYPES = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;
export type ClientAuthType = (typeof CLIENT_AUTH_TYPES)[number];

const cipherSchema = z.string('expected the name of a cipher suite').transform((name, context) => {
  const cipher = opensslCipher(name);
  if (cipher !== undefined) return cipher;
  const message = 'expected a supported cipher suite such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256';
  context.addIssue({ code: 'custom', message, input: name });
  return z.NEVER;
});

const curveSchema = z
  .enum(['CurveP256', 'CurveP384', 'CurveP521', 'X25519'], 'expected CurveP256, CurveP384, CurveP521 or X25519')
  .transform(curveName);

const versionSchema = z.enum(
  Object.keys(TLS_VERSIONS) as readonly (keyof typeof TLS_VERSIONS)[],
  `expected ${Object.keys(TLS_VERSIONS).join(', ')}`,
);

const tlsSchema = z
  .strictObject({
    cert_file: fileName,
    key_file: fileName,
    client_ca_file: fileName.optional(),
    client_auth_type: z
      .enum(CLIENT_AUTH_TYPES, `expected ${CLIENT_AUTH_TYPES.join(', ')}`)
      .default('NoClientCert' satisfies ClientAuthType),
    min_version: versionSchema.default('TLS12'),
    max_version: versionSchema.default('TLS13'),
    cipher_suites: z.array(cipherSchema, 'expected a list').default([]),
    curve_preferences: z.array(curveSchema, 'expected a list').default([]),
    prefer_server_cipher_suites: z.boolean('expected true or false').default(true),
  })
  .superRefine((tls, context) => {
    const verifies = ['VerifyClientCertIfGiven', 'RequireAndVerifyClientCert'].includes(tls.client_auth_type);
    if (verifies && tls.client_ca_file === undefined) {
      const message = `missing, expected a file name with client_auth_type ${tls.client_auth_type}`;
      context.addIssue({ code: 'custom', path: ['client_ca_file'], message, input: null });
    }
    if (tls.client_ca_file !== undefined && tls.client_auth_type === 'NoClientCert') {
      const message = 'expected a client_auth_type that requests certificates, because client_ca_file is set';
      context.addIssue({ code: 'custom', path: ['client_auth_type'], message, input: tls.client_auth_type });
    }
    const order = Object.keys(TLS_VERSIONS);
    if (order.indexOf(tls.min_version) > order.indexOf(tls.max_version)) {
      const message = `expected no more than max_version, ${tls.max_version}`;
      context.addIssue({ code: 'custom', path: ['min_version'], message, input: tls.min_version });
    }
  });

/** The headers that exporter-toolkit allows, and their values if only some are valid. */
const HEADERS: ReadonlyMap<string, readonly string[] | undefined> = new Map([
  ['Strict-Transport-Security', undefined],
  ['X-Content-Type-Options', ['nosniff']],
  ['X-Frame-Options', ['deny', 'sameorigin']],
  ['X-XSS-Protection', undefined],
  ['Content-Security-Policy', undefined],
]);

const headersSchema = z
  .record(z.string(), z.string('expected a string').regex(/^[\t\x20-\x7e]*$/, 'expected a header value on one line'))
  .superRefine((headers, context) => {
    for (const [name, value] of Object.entries(headers)) {
      const allowed = HEADERS.get(name);
      if (!HEADERS.has(name)) {
        const message = `expected one of ${[...HEADERS.keys()].join(', ')}`;
        context.addIssue({ code: 'custom', path: [name], message, input: name });
      } else if (allowed !== undefined && !allowed.includes(value)) {
        context.addIssue({ code: 'custom', path: [name], message: `expected ${allowed.join(' or ')}`, input: value });
      }
    }
  });

const httpSchema = z.strictObject({
  /** Accepted for files shared with other exporters, but ignored: every client supports HTTP/1.1. */
  http2: z.boolean('expected true or false').default(true),
  headers: headersSchema.default({}),
});

/** The invalid value may be a password, so the message does not contain it. */
const hashSchema = z.unknown().transform((value, context): string => {
  if (typeof value === 'string' && BCRYPT_HASH.test(value)) return value;
  context.addIssue({ code: 'custom', message: 'expected a bcrypt hash', input: 'something else' });
  return z.NEVER;
});

const fileSchema = z.strictObject({
  tls_server_config: tlsSchema.optional(),
  http_server_config: httpSchema.default({ http2: true, headers: {} }),
  basic_auth_users: z.record(z.string(), hashSchema).default({}),
});

export type TlsServerConfig = z.output<typeof tlsSchema>;

/** The content of a file in exporter-toolkit's format, with absolute file names. */
export interface WebConfig {
  readonly tls: TlsServerConfig | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** User -> bcrypt hash; empty: no authentication. */
  readonly users: ReadonlyMap<string, string>;
}

/**
 * Reads a web configuration in the format of
 * https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 *
 * @throws ConfigError such as `web.yaml: tls_server_config.min_version: expected TLS10, TLS11, TLS12, TLS13, got "SSL3"`.
 */
export function readWebConfig(path: string): WebConfig {
  const {
    tls_server_config: tls,
    http_server_config: http,
    basic_auth_users: users,
  } = readConfigFile(path, fileSchema);
  const at = (file: string) => resolve(dirname(path), file);
  return {
    tls: tls && {
      ...tls,
      cert_file: at(tls.cert_file),
      key_file: at(tls.key_file),
      client_ca_file: tls.client_ca_file === undefined ? undefined : at(tls.client_ca_file),
    },
    headers: http.headers,
    users: new Map(Object.entries(users)),
  };
}
