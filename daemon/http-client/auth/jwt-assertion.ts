import { createSign, randomUUID } from 'node:crypto';
import type { OAuth2Settings } from '../settings/credentials.ts';

/** Lifetime of an assertion, as in Prometheus. */
const LIFETIME_S = 10 * 60;
const DIGESTS = { RS256: 'RSA-SHA256', RS384: 'RSA-SHA384', RS512: 'RSA-SHA512' } as const;

/**
 * The assertion of the grant type jwt-bearer (RFC 7523, 3), with the claims that Prometheus sets.
 *
 * @param key an RSA private key in PEM format
 * @throws Error if the key cannot be used
 */
export function jwtAssertion(settings: OAuth2Settings, key: string): string {
  const { client_id: subject, iss = subject, audience, token_url: url, scopes, signature_algorithm: alg } = settings;
  const now = Math.floor(Date.now() / 1000);
  const header = {
    alg,
    typ: 'JWT',
    ...(settings.client_certificate_key_id !== undefined && { kid: settings.client_certificate_key_id }),
  };
  const claims = {
    iss,
    sub: subject,
    jti: randomUUID(),
    aud: audience ?? url,
    iat: now,
    exp: now + LIFETIME_S,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...settings.claims,
  };
  const content = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${content}.${createSign(DIGESTS[alg]).update(content).sign(key, 'base64url')}`;
}
