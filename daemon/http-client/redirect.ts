import type { HttpRequest, HttpResponse } from './message.ts';
import { HttpError } from './error.ts';

/** The request after a redirect. Keeps the method except for 303, so that a POST query remains one. */
export function redirect(request: HttpRequest, response: HttpResponse): HttpRequest | undefined {
  const location = response.headers['location'];
  if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return undefined;
  if (!URL.canParse(location, request.url)) throw new HttpError('PROTOCOL', 'redirect to an invalid URL');
  const url = new URL(location, request.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new HttpError('PROTOCOL', `redirect to ${url.protocol}`);
  }
  if (response.status !== 303) return { ...request, url: url.href };
  const { body: _body, headers: _headers, ...rest } = request;
  return { ...rest, method: request.method === 'HEAD' ? 'HEAD' : 'GET', url: url.href };
}

/** Secrets are only sent to the same origin, or after an upgrade to https on the same host. */
export function keepsSecrets(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true;
  return from.hostname === to.hostname && from.protocol === 'http:' && to.protocol === 'https:' && to.port === '';
}
