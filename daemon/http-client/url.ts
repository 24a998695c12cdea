import { basicAuthorization } from './auth/authorizer.ts';

/** A URL without user and password, and the Authorization header that these stand for, as in Prometheus. */
export function takeUserInfo(url: string): { readonly url: string; readonly authorization: string | undefined } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (username === '' && password === '') return { url, authorization: undefined };
  parsed.username = '';
  parsed.password = '';
  return { url: parsed.href, authorization: userInfoAuthorization(username, password) };
}

/** The Authorization header of percent-encoded user and password in a URL. */
export function userInfoAuthorization(username: string, password: string): string {
  return basicAuthorization(decode(username), decode(password));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
