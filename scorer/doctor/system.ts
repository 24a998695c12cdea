import type { HttpClient } from '../../daemon/http-client/client.ts';
import { redactUrl } from '../../daemon/secrets/redact.ts';
import { SCORER_DEFAULTS, type ScorerConfig } from '../config.ts';
import { type FeatureSet, SERVICE_SERIES } from '../features/features.ts';
import { SHIPPED_FEATURES } from '../paths.ts';
import { PrometheusClient, type RangeSeries } from '../prometheus/client.ts';
import { equalTo, selectorOf } from '../prometheus/selector.ts';
import { type LoadedGroup, type ScrapedTarget, StatusApi } from '../prometheus/status-api.ts';
import { type EmptyWindow, emptyWindows, sampleIntervalMs, sampleIntervals } from '../timing/sample-interval.ts';

export interface SystemOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  /** Of the section `prometheus` in the configuration. */
  readonly http: HttpClient;
  /** Milliseconds from the end of a step to its cycle, in use by a running scorer. Default: configured, or the first. */
  readonly delayMs?: number | undefined;
  /** Ends all requests. */
  readonly signal?: AbortSignal | undefined;
}

/** A series of an instant query. */
export interface InstantSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Upper bound of the time for one request: a check must not hang where the scorer would wait. */
const MAX_REQUEST_MS = 5000;
/** Time in which a feature must have a value to be there: several evaluations and lateness. */
const MIN_RECENT_MS = 3 * 60_000;

/**
 * The system around a scorer during one examination: its configuration, and what Prometheus answers. Each question is
 * asked once.
 */
export class System {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly timeoutMs: number;
  /** Milliseconds from the end of a step to its cycle. */
  readonly delayMs: number;
  readonly signal: AbortSignal | undefined;
  readonly api: StatusApi;
  /** The labels that name a service. */
  readonly identity: readonly string[];
  readonly #client: PrometheusClient;
  readonly #answers = new Map<string, Promise<unknown>>();

  constructor({ config, set, http, delayMs, signal }: SystemOptions) {
    this.signal = signal;
    this.config = config;
    this.identity = [...config.identity.labels, 'namespace', 'service'];
    this.set = set;
    this.delayMs = delayMs ?? config.delay ?? config.interval * SCORER_DEFAULTS.delayShare;
    this.timeoutMs = Math.min(config.prometheus.timeout, MAX_REQUEST_MS);
    const { url } = config.prometheus;
    const limited: HttpClient = {
      request: (request) => http.request({ ...this.#limits, ...request }),
      close: () => http.close(),
    };
    this.#client = new PrometheusClient({ url, http: limited });
    this.api = new StatusApi({ url, http, timeoutMs: this.timeoutMs, signal });
  }

  /** The features file that the scorer reads. */
  get featuresFile(): string {
    return this.config.features_file ?? SHIPPED_FEATURES;
  }

  /** True if the rules are those in rules/generated. */
  get readsShippedRules(): boolean {
    return this.config.features_file === undefined && this.config.identity.labels.length === 0;
  }

  /** A space and the flag of `lorikeet-scorer rules` that renders for the identity; empty where it needs none. */
  get identityFlag(): string {
    const { labels } = this.config.identity;
    return labels.length === 0 ? '' : ` --identity.labels=${labels.join(',')}`;
  }

  /** Address of Prometheus, without credentials. */
  get url(): string {
    return redactUrl(this.config.prometheus.url);
  }

  /** A selector of the features' series that the scorer reads. @param labels that they have, `""` for none */
  selector(series: string = SERVICE_SERIES, labels: Readonly<Record<string, string>> = {}): string {
    return selectorOf(series, equalTo(labels), this.config.prometheus.matchers);
  }

  /** PromQL for how often each series of `selector` has a value in the last minutes: unlike a selector, no lookback. */
  recent(selector: string = this.selector()): string {
    return `count_over_time(${selector}[${this.recentMs}ms])`;
  }

  get recentMs(): number {
    return Math.max(5 * this.config.interval, MIN_RECENT_MS);
  }

  /** Server's time now, Unix milliseconds, so that a wrong clock of this machine spoils no other check. */
  async now(): Promise<number> {
    return Date.now() + ((await this.clockSkewMs()) ?? 0);
  }

  clockSkewMs(): Promise<number | undefined> {
    return this.#once('skew', () => this.api.clockSkewMs());
  }

  /** Undefined where the server does not list its rules. */
  ruleGroups(): Promise<readonly LoadedGroup[] | undefined> {
    return this.#once('rules', () => this.api.ruleGroups());
  }

  targets(): Promise<readonly ScrapedTarget[] | undefined> {
    return this.#once('targets', () => this.api.targets());
  }

  /** Asks for a number, at this machine's time. @throws PrometheusError if Prometheus does not answer */
  async ping(): Promise<void> {
    await this.#client.query('vector(1)', Date.now(), this.#limits);
  }

  /** Evaluates `query` at the server's time. @throws PrometheusError */
  instant(query: string): Promise<readonly InstantSeries[]> {
    return this.#once(`query ${query}`, async () => {
      const { series } = await this.#client.query(query, await this.now(), this.#limits);
      return series.map(({ labels, values }) => ({ labels, value: values[0] ?? NaN }));
    });
  }

  /** The samples of a selector in the last `spanMs`. @throws PrometheusError */
  samples(selector: string, spanMs: number): Promise<readonly RangeSeries[]> {
    return this.#once(`samples ${selector} ${spanMs}`, async () => {
      const now = await this.now();
      return (await this.#client.samples(selector, now - spanMs, now, this.#limits)).series;
    });
  }

  /** Scrape interval of each selector that features read, milliseconds; without those that are unknown. */
  sampleIntervals(): Promise<ReadonlyMap<string, number>> {
    return this.#once('intervals', async () => sampleIntervals(this.#client, this.set, await this.now()));
  }

  /** Time between two samples of one of the selector's series, milliseconds. @throws PrometheusError */
  sampleIntervalMs(selector: string): Promise<number | undefined> {
    return this.#once(`interval ${selector}`, async () => sampleIntervalMs(this.#client, selector, await this.now()));
  }

  /** The windows that are too short for the scrapes. */
  async emptyWindows(): Promise<readonly EmptyWindow[]> {
    return emptyWindows(this.set, await this.sampleIntervals());
  }

  get #limits() {
    return { timeoutMs: this.timeoutMs, ...(this.signal !== undefined && { signal: this.signal }) };
  }

  #once<T>(question: string, ask: () => Promise<T>): Promise<T> {
    let answer = this.#answers.get(question) as Promise<T> | undefined;
    if (answer === undefined) this.#answers.set(question, (answer = ask()));
    return answer;
  }
}
