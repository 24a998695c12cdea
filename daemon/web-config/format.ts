import { resolve, dirname } from 'node:path';
import * as z from 'zod';
import { readConfigFile } from '../config-file.ts';
import { BCRYPT_HASH } from './passwords.ts';
import { parseGoDuration, type RateLimit } from './rate-limit.ts';
import { tlsSchema, type TlsServerConfig } from './tls-format.ts';

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
  })
  // A blank header is not set.
  .transform((headers) => Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== '')));

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

const intervalSchema = z.union([z.string(), z.number()]).transform((value, context): number => {
  const milliseconds = parseGoDuration(String(value));
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: 'custom', message: 'expected a duration such as 1s or 500ms, or 0', input: value });
  return z.NEVER;
});

/** Undefined if the interval is 0. */
const rateLimitSchema = z
  .strictObject({
    interval: intervalSchema.default(0),
    burst: z.int('expected a whole number').min(0, 'expected 0 or more').default(0),
  })
  .transform(({ interval: intervalMs, burst }, context): RateLimit | undefined => {
    if (intervalMs === 0) return undefined;
    if (burst >= 1) return { intervalMs, burst };
    const message = 'expected 1 or more: otherwise no request is ever allowed';
    context.addIssue({ code: 'custom', path: ['burst'], message, input: burst });
    return z.NEVER;
  });

const USERS = 'basic_auth_users';

const fileSchema = z.preprocess(
  withoutNulls,
  z.strictObject({
    tls_server_config: tlsSchema.optional(),
    http_server_config: httpSchema.default({ http2: true, headers: {} }),
    [USERS]: z.record(z.string(), hashSchema).default({}),
    rate_limit: rateLimitSchema.optional(),
  }),
);

/** As in Go, a key without a value is a key that is not set. Not among the users: none may be lost silently. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const set = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(set.map(([key, inner]) => [key, key === USERS ? inner : withoutNulls(inner)]));
}

/** The content of a file in exporter-toolkit's format, with absolute file names. */
export interface WebConfig {
  readonly tls: TlsServerConfig | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** User -> bcrypt hash; empty: no authentication. */
  readonly users: ReadonlyMap<string, string>;
  /** For each listening port; undefined: no limit. */
  readonly rateLimit: RateLimit | undefined;
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
    rate_limit: rateLimit,
  } = readConfigFile(path, fileSchema);
  const at = (file: string | undefined) => (file === undefined ? undefined : resolve(dirname(path), file));
  return {
    tls: tls && {
      ...tls,
      cert_file: at(tls.cert_file),
      key_file: at(tls.key_file),
      client_ca_file: at(tls.client_ca_file),
    },
    headers: http.headers,
    users: new Map(Object.entries(users)),
    rateLimit,
  };
}
