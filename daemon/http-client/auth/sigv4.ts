import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { loadSharedConfigFiles } from '@smithy/shared-ini-file-loader';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider, Checksum, SourceData } from '@smithy/types';
import type { Sigv4Settings } from '../settings/credentials.ts';
import type { Authorizer, OutgoingRequest } from './authorizer.ts';

/** Temporary credentials are renewed this long before they expire, as by the SDK. */
const RENEWAL_MS = 5 * 60_000;
/** Headers that are part of the signature. Proxies may change others. */
const SIGNED_HEADERS = ['content-type', 'content-encoding'];

/** Signs requests for Amazon Web Services. @throws Error if no region is known */
export async function openSigv4(settings: Sigv4Settings): Promise<Authorizer> {
  const region = settings.region ?? (await defaultRegion(settings.profile));
  const signer = new SignatureV4({
    service: settings.service_name,
    region,
    credentials: renewed(credentialsOf(settings, region)),
    sha256: Sha256,
  });
  return {
    async authorize({ method, url, headers, body }: OutgoingRequest) {
      const kept = Object.entries(headers).filter(([name]) => SIGNED_HEADERS.includes(name));
      const signed = await signer.sign({
        method,
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query: queryOf(url),
        headers: { ...(Object.fromEntries(kept) as Record<string, string>), host: url.host },
        ...(body !== undefined && { body }),
      });
      const { host: _host, ...own } = signed.headers;
      return Object.fromEntries(Object.entries(own).filter(([name]) => !SIGNED_HEADERS.includes(name)));
    },
  };
}

function credentialsOf(settings: Sigv4Settings, region: string): AwsCredentialIdentityProvider {
  const { access_key: id, secret_key: secret, profile, role_arn: role, external_id: externalId } = settings;
  const own: AwsCredentialIdentityProvider =
    id !== undefined && secret !== undefined
      ? async () => ({ accessKeyId: id, secretAccessKey: secret })
      : fromNodeProviderChain({ ...(profile !== undefined && { profile }), clientConfig: { region } });
  if (role === undefined) return own;
  return fromTemporaryCredentials({
    masterCredentials: own,
    params: {
      RoleArn: role,
      RoleSessionName: settings.session_name ?? 'lorikeet',
      ...(settings.tags !== undefined && {
        Tags: Object.entries(settings.tags).map(([Key, Value]) => ({ Key, Value })),
      }),
      ...(externalId !== undefined && { ExternalId: externalId }),
    },
    clientConfig: { region, useFipsEndpoint: settings.use_fips_sts_endpoint },
  });
}

/** Asks for credentials again shortly before the last ones expire. */
function renewed(provider: AwsCredentialIdentityProvider): AwsCredentialIdentityProvider {
  let last: Promise<AwsCredentialIdentity> | undefined;
  let expiresMs = Number.POSITIVE_INFINITY;
  return async () => {
    if (Date.now() > expiresMs - RENEWAL_MS) last = undefined;
    last ??= provider();
    try {
      const credentials = await last;
      expiresMs = credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
      return credentials;
    } catch (error) {
      last = undefined;
      throw error;
    }
  };
}

async function defaultRegion(profile = process.env['AWS_PROFILE'] ?? 'default'): Promise<string> {
  const named = process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
  if (named !== undefined && named !== '') return named;
  const { configFile, credentialsFile } = await loadSharedConfigFiles();
  const region = configFile[profile]?.['region'] ?? credentialsFile[profile]?.['region'];
  if (region === undefined) throw new Error('sigv4: no region in the settings, in AWS_REGION or in the profile');
  return region;
}

function queryOf(url: URL): Record<string, string | string[]> {
  return Object.fromEntries([...new Set(url.searchParams.keys())].map((name) => [name, url.searchParams.getAll(name)]));
}

/** SHA-256 and its HMAC, as the signer wants them. */
class Sha256 implements Checksum {
  readonly #secret: SourceData | undefined;
  #hash!: Hash | Hmac;

  constructor(secret?: SourceData) {
    this.#secret = secret;
    this.reset();
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#secret === undefined ? createHash('sha256') : createHmac('sha256', toBytes(this.#secret));
  }
}

function toBytes(data: SourceData): string | Uint8Array {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
