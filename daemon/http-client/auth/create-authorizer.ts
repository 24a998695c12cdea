import { HttpError } from '../error.ts';
import type { HttpClient } from '../message.ts';
import type { HttpClientSettings } from '../settings.ts';
import type { OAuth2Settings } from '../settings/credentials.ts';
import { readSecretFile } from '../settings/files.ts';
import { type Authorizer, basicAuthorization, type OutgoingRequest } from './authorizer.ts';
import { OAuth2Authorizer } from './oauth2.ts';

/** @param openTokenClient opens the client that asks an OAuth 2 server for tokens */
export function createAuthorizer(
  settings: HttpClientSettings,
  openTokenClient: (oauth2: OAuth2Settings) => HttpClient,
): Authorizer {
  const { oauth2, sigv4, azuread } = settings;
  if (oauth2 !== undefined) return new OAuth2Authorizer(oauth2, openTokenClient(oauth2));
  // These libraries take megabytes: they are loaded only where they are used.
  if (sigv4 !== undefined) return new LaterAuthorizer(async () => (await import('./sigv4.ts')).openSigv4(sigv4));
  if (azuread !== undefined)
    return new LaterAuthorizer(async () => (await import('./azuread.ts')).openAzuread(azuread));
  return {
    async authorize() {
      const authorization = await readAuthorization(settings);
      return authorization === undefined ? {} : { authorization };
    },
  };
}

/** The credentials as an error of the client. */
export async function authorizeOrFail(
  authorizer: Authorizer,
  request: OutgoingRequest,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  try {
    return await authorizer.authorize(request, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new HttpError('CREDENTIALS', 'no credentials for the request', { cause: error });
  }
}

/** Reads its files each time, so a rotated secret takes effect immediately. */
async function readAuthorization(settings: HttpClientSettings): Promise<string | undefined> {
  const { basic_auth: basic, authorization, bearer_token: token, bearer_token_file: tokenFile } = settings;
  const read = async (text: string | undefined, file: string | undefined) =>
    file === undefined ? (text ?? '') : await readSecretFile(file);
  if (basic !== undefined) {
    const username = await read(basic.username, basic.username_file);
    const password = await read(basic.password, basic.password_file);
    return basicAuthorization(username, password);
  }
  if (authorization !== undefined) {
    return `${authorization.type} ${await read(authorization.credentials, authorization.credentials_file)}`;
  }
  if (token === undefined && tokenFile === undefined) return undefined;
  return `Bearer ${await read(token, tokenFile)}`;
}

/** Opens an authorizer with the first request, and again after a failure to open it. */
class LaterAuthorizer implements Authorizer {
  readonly #open: () => Promise<Authorizer>;
  #opened: Promise<Authorizer> | undefined;
  #current: Authorizer | undefined;

  constructor(open: () => Promise<Authorizer>) {
    this.#open = open;
  }

  async authorize(request: OutgoingRequest, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    this.#opened ??= this.#open();
    try {
      this.#current = await this.#opened;
      return await this.#current.authorize(request, signal);
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }

  forget(refused: Readonly<Record<string, string>>): boolean {
    return this.#current?.forget?.(refused) ?? false;
  }
}
