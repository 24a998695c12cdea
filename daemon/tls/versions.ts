import type { SecureVersion } from 'node:tls';

/** Prometheus' names of TLS versions -> those of Node.js, oldest first. */
export const TLS_VERSIONS = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
} as const satisfies Readonly<Record<string, SecureVersion>>;
export type TlsVersion = keyof typeof TLS_VERSIONS;

/** True if `version` is older than `other`. */
export function isOlder(version: TlsVersion, other: TlsVersion): boolean {
  const order = Object.keys(TLS_VERSIONS);
  return order.indexOf(version) < order.indexOf(other);
}
