export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  /** Headers in addition to those of the settings, which they override. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** From the call to the last byte of the response, including redirects. Default: the client's. */
  readonly timeoutMs?: number;
  /** Limit on the size of the response. Default: the client's. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  /**
   * Receives the body of a 2xx response in chunks as they arrive, for responses too large for memory; `body` is then
   * empty. The request may still fail after the first chunks.
   */
  readonly onBody?: (chunk: Buffer) => void;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; the values of a repeated header are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface HttpClient {
  /** Resolves with the response, whatever its status. @throws HttpError */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Aborts pending requests and closes the connections. Idempotent. */
  close(): Promise<void>;
}
