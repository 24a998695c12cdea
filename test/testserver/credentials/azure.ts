import type { ServerOptions } from 'node:https';
import { readRequestBody, serve, type RunningServer } from '../http.ts';

export interface Identity extends RunningServer {
  /** What tokens were asked for, as forms. */
  readonly requests: Readonly<Record<string, string>>[];
}

/** An endpoint of managed identities, as App Service and Functions have: tokens are `managed-1`, ... */
export async function startManagedIdentity(header: string): Promise<Identity> {
  const requests: Record<string, string>[] = [];
  const server = await serve((request, response) => {
    const query = Object.fromEntries(new URL(request.url ?? '', 'http://x').searchParams);
    if (request.headers['x-identity-header'] !== header) return void response.writeHead(401).end('{}');
    requests.push(query);
    const expires = Math.floor(Date.now() / 1000) + 3600;
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        access_token: `managed-${requests.length}`,
        expires_on: String(expires),
        resource: query['resource'],
        token_type: 'Bearer',
      }),
    );
  });
  return { ...server, requests };
}

/** An authority of Microsoft Entra ID for one tenant: tokens are `entra-1`, ... */
export async function startAuthority(tenant: string, tls: ServerOptions): Promise<Identity> {
  const requests: Record<string, string>[] = [];
  const server = await serve((request, response) => {
    void readRequestBody(request).then((body) => {
      const base = `${running.url}/${tenant}`;
      const answer = (value: object, status = 200) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      if (request.url?.startsWith(`/${tenant}/v2.0/.well-known/openid-configuration`) === true) {
        return answer({
          token_endpoint: `${base}/oauth2/v2.0/token`,
          authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
          issuer: `${base}/v2.0`,
          jwks_uri: `${base}/keys`,
        });
      }
      if (request.url?.startsWith(`/${tenant}/oauth2/v2.0/token`) !== true) return answer({}, 404);
      requests.push(Object.fromEntries(new URLSearchParams(body.toString())));
      return answer({ access_token: `entra-${requests.length}`, token_type: 'Bearer', expires_in: 3600 });
    });
  }, tls);
  const running = { ...server, requests };
  return running;
}
