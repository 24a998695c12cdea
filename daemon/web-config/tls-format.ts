import * as z from 'zod';
import { isOlder, TLS_VERSIONS, type TlsVersion } from '../tls/versions.ts';
import { curveName, opensslCipher } from './ciphers.ts';

/** As in Go, an empty string is a key that is not set. */
const optionalText = (expected: string) =>
  z
    .string(expected)
    .optional()
    .transform((text) => (text === '' ? undefined : text));
const fileName = optionalText('expected a file name');
const pem = optionalText('expected text in PEM format');

/** Go's names, as exporter-toolkit uses them. */
const CLIENT_AUTH_TYPES = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;
export type ClientAuthType = (typeof CLIENT_AUTH_TYPES)[number];

/** The type by its name, by an older name that exporter-toolkit still accepts, or none. */
const clientAuthSchema = z
  .preprocess(
    (name) => (name === '' ? undefined : name === 'RequireClientCert' ? 'RequireAnyClientCert' : name),
    z.enum(CLIENT_AUTH_TYPES, `expected ${CLIENT_AUTH_TYPES.join(', ')}`).optional(),
  )
  .optional();

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
  Object.keys(TLS_VERSIONS) as readonly TlsVersion[],
  `expected ${Object.keys(TLS_VERSIONS).join(', ')}`,
);

const keysSchema = z.strictObject({
  cert: pem,
  key: pem,
  client_ca: pem,
  cert_file: fileName,
  key_file: fileName,
  client_ca_file: fileName,
  client_auth_type: clientAuthSchema,
  client_allowed_sans: z.array(z.string('expected a name'), 'expected a list').optional(),
  min_version: versionSchema.default('TLS12'),
  max_version: versionSchema.default('TLS13'),
  cipher_suites: z.array(cipherSchema, 'expected a list').default([]),
  curve_preferences: z.array(curveSchema, 'expected a list').default([]),
  prefer_server_cipher_suites: z.boolean('expected true or false').default(true),
});

type Keys = z.output<typeof keysSchema>;

/** True if one of the keys is set that say whose certificates are used; the others are only details. */
function isEnabled(tls: Keys): boolean {
  const { cert, key, client_ca, cert_file, key_file, client_ca_file, client_auth_type } = tls;
  return [cert, key, client_ca, cert_file, key_file, client_ca_file, client_auth_type].some((one) => one !== undefined);
}

function refuseContradictions(tls: Keys, context: z.RefinementCtx): void {
  if (!isEnabled(tls)) return;
  const refuse = (key: keyof Keys, message: string, input: unknown = null) =>
    context.addIssue({ code: 'custom', path: [key], message, input });
  for (const key of ['cert', 'key'] as const) {
    if (tls[key] === undefined && tls[`${key}_file`] === undefined) {
      refuse(`${key}_file`, `missing, expected a file name, or ${key}`);
    }
  }
  const type = tls.client_auth_type ?? 'NoClientCert';
  const hasAuthority = tls.client_ca !== undefined || tls.client_ca_file !== undefined;
  if (['VerifyClientCertIfGiven', 'RequireAndVerifyClientCert'].includes(type) && !hasAuthority) {
    refuse('client_ca_file', `missing, expected a file name with client_auth_type ${type}`);
  }
  if (hasAuthority && type === 'NoClientCert') {
    const set = tls.client_ca_file === undefined ? 'client_ca' : 'client_ca_file';
    refuse('client_auth_type', `expected a client_auth_type that requests certificates, because ${set} is set`, type);
  }
  if (tls.client_allowed_sans !== undefined && !['RequireAnyClientCert', 'RequireAndVerifyClientCert'].includes(type)) {
    const expected = 'expected RequireAnyClientCert or RequireAndVerifyClientCert, because client_allowed_sans is set';
    refuse('client_auth_type', expected, type);
  }
  if (isOlder(tls.max_version, tls.min_version)) {
    refuse('min_version', `expected no more than max_version, ${tls.max_version}`, tls.min_version);
  }
}

/** `tls_server_config`; undefined if it does not enable TLS. Of a file and its text the file is used. */
export const tlsSchema = keysSchema
  .superRefine(refuseContradictions)
  .transform((tls) =>
    isEnabled(tls) ? { ...tls, client_auth_type: tls.client_auth_type ?? 'NoClientCert' } : undefined,
  );

export type TlsServerConfig = NonNullable<z.output<typeof tlsSchema>>;
