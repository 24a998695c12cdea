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
  /**
   * Call it with what `authorize` returned after status 401. True if these credentials were kept from an earlier request
   * and may have been revoked: new ones may be accepted.
   */
  forget?(refused: Readonly<Record<string, string>>): boolean;
  close?(): Promise<void>;
}

/** The value of an Authorization header of type Basic. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
