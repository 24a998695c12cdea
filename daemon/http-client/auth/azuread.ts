import {
  AzureAuthorityHosts,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';
import type { AzureadSettings } from '../settings/credentials.ts';
import { readSettingsFile } from '../settings/files.ts';
import type { Authorizer } from './authorizer.ts';

/** Prometheus' clouds: where tokens come from, and for whom they are. */
const CLOUDS = {
  AzurePublic: { authorityHost: AzureAuthorityHosts.AzurePublicCloud, scope: 'https://monitor.azure.com//.default' },
  AzureChina: { authorityHost: AzureAuthorityHosts.AzureChina, scope: 'https://monitor.azure.cn//.default' },
  AzureGovernment: { authorityHost: AzureAuthorityHosts.AzureGovernment, scope: 'https://monitor.azure.us//.default' },
} as const;

/** Authorizes with tokens of Microsoft Entra ID, renewed after half of their lifetime, as by Prometheus. */
export async function openAzuread(settings: AzureadSettings): Promise<Authorizer> {
  const { cloud } = settings;
  const { authorityHost, scope } =
    typeof cloud === 'string' ? CLOUDS[cloud] : { authorityHost: cloud.aad_endpoint, scope: cloud.token_audience };
  const credential = await credentialOf(settings, authorityHost, typeof cloud !== 'string');
  let token: { readonly authorization: string; readonly renewMs: number } | undefined;
  /** Headers with a token that was made for them. */
  const fresh = new WeakSet<object>();
  return {
    async authorize(_request, signal) {
      if (token !== undefined && Date.now() < token.renewMs) return { authorization: token.authorization };
      const made = await credential.getToken(settings.scope ?? scope, { abortSignal: signal });
      if (made === null) throw new Error('azuread: no token');
      const renewMs = Date.now() + Math.max(0, made.expiresOnTimestamp - Date.now()) / 2;
      token = { authorization: `Bearer ${made.token}`, renewMs };
      const headers = { authorization: token.authorization };
      fresh.add(headers);
      return headers;
    },
    forget(refused) {
      if (token?.authorization === refused['authorization']) token = undefined;
      return !fresh.has(refused);
    },
  };
}

async function credentialOf(
  settings: AzureadSettings,
  authorityHost: string,
  isCustom: boolean,
): Promise<TokenCredential> {
  const { managed_identity: managed, oauth, workload_identity: workload, certificate: own, sdk } = settings;
  // A cloud of one's own isn't in Microsoft's list of clouds.
  const options = { authorityHost, ...(isCustom && { disableInstanceDiscovery: true }) };
  if (oauth !== undefined) {
    return new ClientSecretCredential(oauth.tenant_id, oauth.client_id, oauth.client_secret, options);
  }
  if (workload !== undefined) {
    const { client_id: clientId, tenant_id: tenantId, token_file_path: tokenFilePath } = workload;
    return new WorkloadIdentityCredential({ ...options, clientId, tenantId, tokenFilePath });
  }
  if (own !== undefined) {
    const { certificate_path: path, certificate_key_path: keyPath, certificate_password: password } = own;
    const pem = [path, ...(keyPath === undefined ? [] : [keyPath])].map(readSettingsFile);
    const certificate = {
      certificate: (await Promise.all(pem)).join('\n'),
      ...(password !== undefined && { certificatePassword: password }),
    };
    const chain = { sendCertificateChain: own.send_certificate_chain };
    return new ClientCertificateCredential(own.tenant_id, own.client_id, certificate, { ...options, ...chain });
  }
  if (managed !== undefined) {
    return managed?.client_id === undefined
      ? new ManagedIdentityCredential(options)
      : new ManagedIdentityCredential({ ...options, clientId: managed.client_id });
  }
  return new DefaultAzureCredential({ ...options, ...(sdk?.tenant_id !== undefined && { tenantId: sdk.tenant_id }) });
}
