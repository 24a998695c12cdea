export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  /** Headers in addition to those of the settings, which they override. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** From the call to the last byte of the response, including redirects. Default: the client's. */
  readonly timeoutMs?: number;
  /** Limit on the size of a 2xx response. Default: the client's. */
  readonly maxBytes?: number;
  /**
   * The start of a 2xx response that is needed. The rest is not read, and the request succeeds whatever becomes of it.
   * Default: the whole response.
   */
  readonly keepBytes?: number;
  readonly signal?: AbortSignal;
  /**
   * Receives the body of a 2xx response in chunks as they arrive, for responses too large for memory; `body` is then
   * empty. The request may still fail after the first chunks. Returns false once it needs no more: the rest is not read.
   */
  readonly onBody?: (chunk: Buffer) => boolean | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; the values of a repeated header are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Of an error, at most the first 64 KiB, whatever becomes of the rest. */
  readonly body: Buffer;
}

export interface HttpClient {
  /** Resolves with the response, whatever its status. @throws HttpError */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Aborts pending requests and closes the connections. Idempotent. */
  close(): Promise<void>;
}
