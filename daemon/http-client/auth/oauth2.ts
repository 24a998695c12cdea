import { parseReceivedJson } from '../../received/json.ts';
import type { HttpClient, HttpResponse } from '../message.ts';
import { JWT_BEARER, type OAuth2Settings } from '../settings/credentials.ts';
import { readSecretFile } from '../settings/files.ts';
import { type Authorizer, basicAuthorization } from './authorizer.ts';
import { jwtAssertion } from './jwt-assertion.ts';

/** A token is renewed this long before it expires, as by Go's client. */
const RENEWAL_MS = 10_000;

interface Token {
  readonly authorization: string;
  readonly secret: string;
  /** Infinity if the server sets no limit. */
  readonly expiresMs: number;
}

/** Where the client's name and secret are sent: RFC 6749, 2.3.1 allows both. */
type Style = 'header' | 'form';

/**
 * Authorizes by client credentials (RFC 6749, 4.4) or a signed assertion (RFC 7523). Requests share one token until shortly before it expires, or until
 * the secret's file changes.
 */
export class OAuth2Authorizer implements Authorizer {
  readonly #settings: OAuth2Settings;
  readonly #http: HttpClient;
  #token: Token | undefined;
  #pending: { readonly secret: string; readonly token: Promise<Token> } | undefined;
  #style: Style | undefined;
  /** Headers with a token that was made for them. */
  readonly #fresh = new WeakSet<object>();

  constructor(settings: OAuth2Settings, http: HttpClient) {
    this.#settings = settings;
    this.#http = http;
  }

  async authorize(): Promise<Readonly<Record<string, string>>> {
    const secret = await this.#readSecret();
    const known = this.#token;
    if (known !== undefined && known.secret === secret && Date.now() < known.expiresMs - RENEWAL_MS) {
      return { authorization: known.authorization };
    }
    const headers = { authorization: (await this.#renew(secret)).authorization };
    this.#fresh.add(headers);
    return headers;
  }

  forget(refused: Readonly<Record<string, string>>): boolean {
    if (this.#token?.authorization === refused['authorization']) this.#token = undefined;
    return !this.#fresh.has(refused);
  }

  async #readSecret(): Promise<string> {
    const key = this.#settings.grant_type === JWT_BEARER ? 'client_certificate_key' : 'client_secret';
    const file = this.#settings[`${key}_file`];
    return file === undefined ? (this.#settings[key] ?? '') : await readSecretFile(file);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  /** Several requests wait for one token. Not aborted with one of them: the client's own timeout bounds it. */
  async #renew(secret: string): Promise<Token> {
    if (this.#pending?.secret !== secret) {
      this.#pending = { secret, token: this.#fetch(secret) };
    }
    const pending = this.#pending;
    try {
      this.#token = await pending.token;
      return this.#token;
    } finally {
      if (this.#pending === pending) this.#pending = undefined;
    }
  }

  async #fetch(secret: string): Promise<Token> {
    if (this.#settings.grant_type === JWT_BEARER) return readToken(await this.#askByAssertion(secret), secret);
    if (this.#style !== undefined) return readToken(await this.#ask(secret, this.#style), secret);
    // Like Go's client: the form only if the server refuses the header, which the RFC requires it to support.
    const first = await this.#ask(secret, 'header');
    if (isSuccess(first)) this.#style = 'header';
    if (isSuccess(first) || (first.status !== 400 && first.status !== 401)) return readToken(first, secret);
    const second = await this.#ask(secret, 'form');
    if (isSuccess(second)) this.#style = 'form';
    return readToken(second, secret);
  }

  async #ask(secret: string, style: Style): Promise<HttpResponse> {
    const { client_id: id, endpoint_params: parameters } = this.#settings;
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...parameters });
    if (style === 'form') {
      form.set('client_id', id);
      if (secret !== '') form.set('client_secret', secret);
    }
    const authorization = style === 'header' ? basicAuthorization(formEncoded(id), formEncoded(secret)) : undefined;
    return await this.#post(form, authorization);
  }

  async #askByAssertion(key: string): Promise<HttpResponse> {
    const assertion = jwtAssertion(this.#settings, key);
    return await this.#post(
      new URLSearchParams({ grant_type: JWT_BEARER, assertion, ...this.#settings.endpoint_params }),
    );
  }

  async #post(form: URLSearchParams, authorization?: string): Promise<HttpResponse> {
    const { scopes, token_url: url } = this.#settings;
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    return await this.#http.request({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        ...(authorization !== undefined && { authorization }),
      },
      body: form.toString(),
    });
  }
}

/** RFC 6749, 2.3.1: name and secret are encoded as in a form before they are joined. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300;
}

/** @throws Error with the server's reason */
function readToken(response: HttpResponse, secret: string): Token {
  const fields = readJson(response.body);
  const { access_token: token, token_type: type, expires_in: seconds, error, error_description: reason } = fields;
  if (!isSuccess(response)) {
    const said = [error, reason].filter((text) => typeof text === 'string').join(': ');
    throw new Error(`the OAuth 2 server answered with status ${response.status}${said === '' ? '' : `, ${said}`}`);
  }
  if (typeof token !== 'string' || token === '') throw new Error('the OAuth 2 server answered without access_token');
  const lifetimeMs = Number(seconds ?? Number.NaN) * 1000;
  return {
    authorization: `${tokenType(type)} ${token}`,
    secret,
    expiresMs: lifetimeMs > 0 ? Date.now() + lifetimeMs : Number.POSITIVE_INFINITY,
  };
}

function tokenType(type: unknown): string {
  return typeof type !== 'string' || type === '' || type.toLowerCase() === 'bearer' ? 'Bearer' : type;
}

function readJson(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value = parseReceivedJson(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
