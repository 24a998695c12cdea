import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface SignedRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, data: string) => createHmac('sha256', key).update(data).digest();
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * The signature that a request must have, by Signature Version 4 of AWS, computed from what was received:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function sigv4Signature(request: SignedRequest, secretKey: string): string {
  const { credential, signed } = parts(request.headers);
  const [, date = '', region = '', service = ''] = credential.split('/');
  const [path = '', query = ''] = request.target.split('?');
  // Every service but S3 encodes the path, as received, once more.
  const uri = path.split('/').map(encode).join('/');
  const canonicalQuery = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', value = ''] = pair.split('=');
      return `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(value.replaceAll('+', ' ')))}`;
    })
    .sort()
    .join('&');
  const headers = signed
    .map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}\n`)
    .join('');
  const canonical = [request.method, uri, canonicalQuery, headers, signed.join(';'), sha256(request.body)].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Uint8Array>(hmac, `AWS4${secretKey}`);
  return hmac(key, text).toString('hex');
}

/** The key's id, date, region and service of a request's signature, the headers that are part of it, and itself. */
export function parts({ authorization = '' }: IncomingHttpHeaders): {
  readonly credential: string;
  readonly signed: readonly string[];
  readonly signature: string;
} {
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    authorization,
  );
  const [, credential = '', signed = '', signature = ''] = match ?? [];
  return { credential, signed: signed.split(';'), signature };
}
