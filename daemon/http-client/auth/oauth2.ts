import type { HttpClient, HttpResponse } from '../message.ts';
import type { OAuth2Settings } from '../settings/credentials.ts';
import { readSecretFile } from '../settings/files.ts';
import { type Authorizer, basicAuthorization } from './authorizer.ts';

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
 * Authorizes by client credentials (RFC 6749, 4.4). Requests share one token until shortly before it expires, or until
 * the secret's file changes.
 */
export class OAuth2Authorizer implements Authorizer {
  readonly #settings: OAuth2Settings;
  readonly #http: HttpClient;
  #token: Token | undefined;
  #pending: { readonly secret: string; readonly token: Promise<Token> } | undefined;
  #style: Style | undefined;
  /** True if the last request used a token of an earlier one. */
  #reused = false;

  constructor(settings: OAuth2Settings, http: HttpClient) {
    this.#settings = settings;
    this.#http = http;
  }

  async authorize(): Promise<Readonly<Record<string, string>>> {
    const { client_secret: text = '', client_secret_file: file } = this.#settings;
    const secret = file === undefined ? text : await readSecretFile(file);
    const known = this.#token;
    this.#reused = known !== undefined && known.secret === secret && Date.now() < known.expiresMs - RENEWAL_MS;
    const { authorization } = this.#reused && known !== undefined ? known : await this.#renew(secret);
    return { authorization };
  }

  forget(): boolean {
    this.#token = undefined;
    return this.#reused;
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
    const { client_id: id, scopes, token_url: url, endpoint_params: parameters } = this.#settings;
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...parameters });
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    if (style === 'form') {
      form.set('client_id', id);
      if (secret !== '') form.set('client_secret', secret);
    }
    return await this.#http.request({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        ...(style === 'header' && { authorization: basicAuthorization(formEncoded(id), formEncoded(secret)) }),
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
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
