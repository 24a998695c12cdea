import { getCiphers } from 'node:tls';

const CURVES = { CurveP256: 'P-256', CurveP384: 'P-384', CurveP521: 'P-521', X25519: 'X25519' } as const;

/** OpenSSL's name of a curve, by Go's name such as `CurveP256`. */
export function curveName(name: keyof typeof CURVES): string {
  return CURVES[name];
}

/**
 * OpenSSL's name of a cipher suite with an IANA name, which Go and exporter-toolkit use; undefined if the name is
 * unknown or this OpenSSL does not support the suite (RC4, 3DES).
 *
 * @example opensslCipher('TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256') // 'ECDHE-RSA-AES128-GCM-SHA256'
 */
export function opensslCipher(name: string): string | undefined {
  const known = (cipher: string) => (getCiphers().includes(cipher.toLowerCase()) ? cipher : undefined);
  // Those of TLS 1.3 have the same name in both, without WITH.
  if (/^TLS_(AES|CHACHA20)_/.test(name)) return known(name);
  const match = /^TLS_(ECDHE_ECDSA|ECDHE_RSA|RSA)_WITH_(\w+)$/.exec(name);
  const [, exchange = '', rest = ''] = match ?? [];
  if (match === null) return undefined;
  const cipher = rest
    .replace(/^AES_(128|256)_/, 'AES$1_')
    .replace('_CBC_', '_')
    .replace(/^CHACHA20_POLY1305(_SHA256)?$/, 'CHACHA20_POLY1305');
  return known(`${exchange === 'RSA' ? '' : `${exchange}_`}${cipher}`.replaceAll('_', '-'));
}
