export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  /** Besides those of the settings, which a header given here overrides. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** From the call to the last byte of the answer, redirects included. Default: the client's. */
  readonly timeoutMs?: number;
  /** Bound on the answer's size. Default: the client's. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  /**
   * Takes the body of a 2xx answer piece by piece as it arrives, for answers that shouldn't be in memory as a whole;
   * `body` is empty then. A request that fails later has had its first pieces taken.
   */
  readonly onBody?: (chunk: Buffer) => void;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; a header that came several times is joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
