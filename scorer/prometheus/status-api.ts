import type { HttpClient } from '../../daemon/http-client/client.ts';
import { parseReceivedJson } from '../../daemon/received/json.ts';

/** The rules and targets of a large server. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface StatusApiOptions {
  /** Base URL, as of `PrometheusClient`. */
  readonly url: string;
  readonly http: HttpClient;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface ApiParameters {
  readonly parameters?: Readonly<Record<string, string>>;
  /** Sent by POST, which has no limit of length. */
  readonly form?: Readonly<Record<string, string>>;
}

/** A rule group of /api/v1/rules, as far as it is needed. Times are in seconds. */
export interface LoadedGroup {
  readonly name: string;
  readonly interval?: number;
  readonly evaluationTime?: number;
  readonly rules: readonly LoadedRule[];
}

export interface LoadedRule {
  readonly type: string;
  readonly name: string;
  readonly query: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly health?: string;
  readonly lastError?: string;
}

/** A target of /api/v1/targets, as far as it is needed. */
export interface ScrapedTarget {
  readonly labels: Readonly<Record<string, string>>;
  readonly scrapeUrl?: string;
  /** A Prometheus duration. */
  readonly scrapeInterval?: string;
  readonly health?: string;
  readonly lastError?: string;
}

/**
 * The endpoints of Prometheus' HTTP API beside queries. Stores with the same query language lack some of them, and
 * proxies forbid some: each method returns undefined then, and never rejects.
 */
export class StatusApi {
  readonly #base: URL;
  readonly #options: StatusApiOptions;

  constructor(options: StatusApiOptions) {
    this.#base = new URL(options.url);
    this.#base.pathname = `${this.#base.pathname.replace(/\/+$/, '')}/api/v1`;
    this.#options = options;
  }

  async ruleGroups(): Promise<readonly LoadedGroup[] | undefined> {
    const data = (await this.get('rules')) as { groups?: unknown } | undefined;
    return Array.isArray(data?.groups) ? (data.groups as LoadedGroup[]) : undefined;
  }

  async targets(): Promise<readonly ScrapedTarget[] | undefined> {
    const data = (await this.get('targets', { parameters: { state: 'active' } })) as
      | { activeTargets?: unknown }
      | undefined;
    return Array.isArray(data?.activeTargets) ? (data.activeTargets as ScrapedTarget[]) : undefined;
  }

  /** The command-line flags of the server. */
  async flags(): Promise<Readonly<Record<string, string>> | undefined> {
    return (await this.get('status/flags')) as Record<string, string> | undefined;
  }

  async buildInfo(): Promise<{ readonly version?: string; readonly goVersion?: string } | undefined> {
    return (await this.get('status/buildinfo')) as { version?: string; goVersion?: string } | undefined;
  }

  async runtimeInfo(): Promise<{ readonly startTime?: string; readonly storageRetention?: string } | undefined> {
    return (await this.get('status/runtimeinfo')) as { startTime?: string; storageRetention?: string } | undefined;
  }

  /** `expr` as the server writes it. Prometheus 2.40 or later. */
  async formatQuery(expr: string): Promise<string | undefined> {
    const data = await this.get('format_query', { form: { query: expr } });
    return typeof data === 'string' ? data : undefined;
  }

  /** The server's clock minus this machine's, milliseconds: accurate to half of the response time. */
  async clockSkewMs(): Promise<number | undefined> {
    const started = Date.now();
    const data = (await this.get('query', { parameters: { query: 'time()' } })) as
      | { result?: readonly unknown[] }
      | undefined;
    const seconds = Number(data?.result?.[1]);
    return Number.isFinite(seconds) ? seconds * 1000 - (started + Date.now()) / 2 : undefined;
  }

  async get(path: string, { parameters = {}, form }: ApiParameters = {}): Promise<unknown> {
    const { http, timeoutMs, signal } = this.#options;
    // The query of the base URL, such as a tenant, belongs to every request.
    const url = new URL(this.#base);
    url.pathname += `/${path}`;
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    try {
      const { status, body } = await http.request({
        method: form === undefined ? 'GET' : 'POST',
        url: url.href,
        headers: {
          accept: 'application/json',
          ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(form !== undefined && { body: new URLSearchParams(form).toString() }),
        timeoutMs,
        maxBytes: MAX_BYTES,
        ...(signal !== undefined && { signal }),
      });
      if (status !== 200) return undefined;
      const answer = parseReceivedJson(body) as { status?: unknown; data?: unknown } | null;
      return answer?.status === 'success' ? (answer.data ?? undefined) : undefined;
    } catch {
      return undefined;
    }
  }
}
