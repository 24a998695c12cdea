import { isIPv6 } from 'node:net';

/** `DNS:a.example, IP Address:10.0.0.1`; OpenSSL's names that contain special characters are JSON strings. */
const NAME = /(DNS|IP Address|email|URI):("(?:[^"\\]|\\.)*"|[^,]*)/g;

/**
 * The names in a certificate's Subject Alternative Name that exporter-toolkit compares with `client_allowed_sans`.
 *
 * @param subjectAltName as in `tls.PeerCertificate`
 */
export function clientNames(subjectAltName: string | undefined): string[] {
  return [...(subjectAltName ?? '').matchAll(NAME)].map(([, kind, text = '']) => {
    const name = text.startsWith('"') ? (JSON.parse(text) as string) : text;
    return kind === 'IP Address' ? canonicalIp(name) : name;
  });
}

/** Go's notation: OpenSSL writes IPv6 addresses in capitals and without `::`. */
function canonicalIp(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
