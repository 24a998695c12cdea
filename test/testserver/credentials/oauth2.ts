import { createVerify } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ServerOptions } from 'node:https';
import { readRequestBody, serve, type RunningServer } from '../http.ts';

export interface OAuth2Server extends RunningServer {
  /** The forms of all requests, with the Authorization header as `authorization` if there was one. */
  readonly requests: Readonly<Record<string, string>>[];
  /** Lifetime of the next tokens; undefined: they don't expire. Default: an hour. */
  expiresIn: number | undefined;
  /** True if requests with this header carry a token that is valid now. */
  accepts(headers: IncomingHttpHeaders): boolean;
  /** Makes all tokens invalid. */
  revoke(): void;
}

export interface OAuth2ServerOptions {
  readonly secret: () => string;
  /** Where the client's name and secret are read from, RFC 6749, 2.3.1. Default: the header. */
  readonly style?: 'header' | 'form';
  /** Public key (PEM) and algorithm of assertions (RFC 7523), which are then the only grant. */
  readonly assertions?: { readonly key: string; readonly digest: string };
  readonly tls?: ServerOptions;
}

/** A token endpoint for client credentials of the client `me:too`; its tokens are `token-1`, `token-2`, ... */
export async function startOAuth2Server(options: OAuth2ServerOptions): Promise<OAuth2Server> {
  const { secret, style = 'header', assertions, tls } = options;
  const requests: Record<string, string>[] = [];
  const valid = new Set<string>();
  let issued = 0;
  const issue = () => {
    const token = `token-${++issued}`;
    valid.add(`Bearer ${token}`);
    return {
      access_token: token,
      token_type: 'bearer',
      ...(running.expiresIn !== undefined && { expires_in: running.expiresIn }),
    };
  };
  const server = await serve((request, response) => {
    void readRequestBody(request).then((body) => {
      const form = Object.fromEntries(new URLSearchParams(body.toString()));
      const { authorization } = request.headers;
      requests.push({ ...form, ...(authorization !== undefined && { authorization }) });
      const answer = (status: number, value: object) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      if (assertions !== undefined) {
        if (form['grant_type'] !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return answer(400, {});
        if (!isSigned(form['assertion'] ?? '', assertions)) return answer(400, { error: 'invalid_grant' });
        return answer(200, issue());
      }
      const named =
        style === 'header'
          ? nameAndSecret(authorization) === `me:too\n${secret()}`
          : authorization === undefined && form['client_id'] === 'me:too' && form['client_secret'] === secret();
      if (!named) return answer(401, { error: 'invalid_client', error_description: 'who are you?' });
      if (form['grant_type'] !== 'client_credentials') return answer(400, { error: 'unsupported_grant_type' });
      return answer(200, issue());
    });
  }, tls);
  const running: OAuth2Server = {
    ...server,
    requests,
    expiresIn: 3600,
    accepts: ({ authorization }) => valid.has(authorization ?? ''),
    revoke: () => valid.clear(),
  };
  return running;
}

/** RFC 6749, 2.3.1: both are encoded as in a form. */
function nameAndSecret(authorization = ''): string {
  const text = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
  return text
    .split(':')
    .map((part) => new URLSearchParams(`x=${part}`).get('x'))
    .join('\n');
}

function isSigned(assertion: string, { key, digest }: { readonly key: string; readonly digest: string }): boolean {
  const [header = '', claims = '', signature = ''] = assertion.split('.');
  return createVerify(digest).update(`${header}.${claims}`).verify(key, signature, 'base64url');
}
