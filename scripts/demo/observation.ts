/** One row of the live view. */
export interface ServiceRow {
  readonly service: string;
  /** Requests per second as a server; NaN if unknown. */
  readonly rate: number;
  /** Mean latency in seconds; NaN if unknown. */
  readonly latency: number;
  readonly score: number;
  readonly rank: number;
}

interface VectorSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface Observed {
  /** Whose scores are read. */
  readonly detector: string;
  /** The alert that follows them. */
  readonly alert: string;
}

/** The current state from Prometheus and Alertmanager. A failed query has no rows. */
export class Observer {
  readonly #prometheusUrl: string;
  readonly #alertmanagerUrl: string;
  readonly #observed: Observed;

  constructor(prometheusUrl: string, alertmanagerUrl: string, observed: Observed) {
    this.#prometheusUrl = prometheusUrl;
    this.#alertmanagerUrl = alertmanagerUrl;
    this.#observed = observed;
  }

  /** The result of an instant query: labels and value of each row. */
  async query(expression: string): Promise<{ labels: Readonly<Record<string, string>>; value: number }[]> {
    const url = `${this.#prometheusUrl}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const answer = (await fetchJson(url)) as { data?: { result?: readonly VectorSample[] } } | undefined;
    return (answer?.data?.result ?? []).map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** Value by the label `service`. */
  async byService(expression: string): Promise<Map<string, number>> {
    const rows = await this.query(expression);
    return new Map(rows.map(({ labels, value }) => [labels['service'] ?? '', value]));
  }

  /** The score of each service: the worst of its pods and endpoints, or that of the named pod alone. */
  scores(pod?: string): Promise<Map<string, number>> {
    const of = pod === undefined ? '' : `,pod="${pod}"`;
    return this.byService(`max by (service) (anomaly_score{detector="${this.#observed.detector}"${of}})`);
  }

  /** The services with an active alert in Alertmanager's API. */
  async firingServices(): Promise<string[]> {
    const filter = encodeURIComponent(`alertname="${this.#observed.alert}"`);
    const url = `${this.#alertmanagerUrl}/api/v2/alerts?active=true&filter=${filter}`;
    const alerts = (await fetchJson(url)) as { labels: Readonly<Record<string, string>> }[] | undefined;
    return (alerts ?? []).map(({ labels }) => labels['service'] ?? '');
  }

  async table(services: readonly string[]): Promise<ServiceRow[]> {
    const feature = (name: string) => `service:lorikeet_feature:window{feature="${name}",channel="red"}`;
    const [rates, latencies, scores, ranks] = await Promise.all([
      this.byService(feature('request_rate')),
      this.byService(feature('request_latency')),
      this.scores(),
      this.byService('anomaly_root_cause_rank'),
    ]);
    return services.map((service) => ({
      service,
      rate: rates.get(service) ?? NaN,
      latency: latencies.get(service) ?? NaN,
      score: scores.get(service) ?? NaN,
      rank: ranks.get(service) ?? NaN,
    }));
  }
}

async function fetchJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return response.ok ? await response.json() : undefined;
  } catch {
    // Not up yet, or busy: the caller polls.
    return undefined;
  }
}
