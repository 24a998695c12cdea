/** A request as it will be sent; header names are in lower case. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | Uint8Array | undefined;
}

/** Makes the headers that authorize requests, such as `authorization`. */
export interface Authorizer {
  /** @throws Error with the reason why there are no credentials */
  authorize(request: OutgoingRequest, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Call it after status 401. True if credentials were kept that may have expired: new ones may be accepted. */
  forget?(): boolean;
  close?(): Promise<void>;
}

/** The value of an Authorization header of type Basic. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
