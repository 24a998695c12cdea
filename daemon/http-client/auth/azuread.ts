import {
  AzureAuthorityHosts,
  ClientSecretCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';
import type { AzureadSettings } from '../settings/credentials.ts';
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
  const credential = credentialOf(settings, authorityHost, typeof cloud !== 'string');
  let token: { readonly authorization: string; readonly renewMs: number } | undefined;
  return {
    async authorize(_request, signal) {
      if (token === undefined || Date.now() >= token.renewMs) {
        const fresh = await credential.getToken(settings.scope ?? scope, { abortSignal: signal });
        if (fresh === null) throw new Error('azuread: no token');
        const renewMs = Date.now() + Math.max(0, fresh.expiresOnTimestamp - Date.now()) / 2;
        token = { authorization: `Bearer ${fresh.token}`, renewMs };
      }
      return { authorization: token.authorization };
    },
    forget() {
      const had = token !== undefined;
      token = undefined;
      return had;
    },
  };
}

function credentialOf(settings: AzureadSettings, authorityHost: string, isCustom: boolean): TokenCredential {
  const { managed_identity: managed, oauth, workload_identity: workload, sdk } = settings;
  // A cloud of one's own isn't in Microsoft's list of clouds.
  const options = { authorityHost, ...(isCustom && { disableInstanceDiscovery: true }) };
  if (oauth !== undefined) {
    return new ClientSecretCredential(oauth.tenant_id, oauth.client_id, oauth.client_secret, options);
  }
  if (workload !== undefined) {
    const { client_id: clientId, tenant_id: tenantId, token_file_path: tokenFilePath } = workload;
    return new WorkloadIdentityCredential({ ...options, clientId, tenantId, tokenFilePath });
  }
  if (managed !== undefined) {
    return managed?.client_id === undefined
      ? new ManagedIdentityCredential(options)
      : new ManagedIdentityCredential({ ...options, clientId: managed.client_id });
  }
  return new DefaultAzureCredential({ ...options, ...(sdk?.tenant_id !== undefined && { tenantId: sdk.tenant_id }) });
}
