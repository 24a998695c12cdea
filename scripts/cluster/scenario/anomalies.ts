import type { Cluster } from '../cluster.ts';
import type { Monitoring } from './monitoring.ts';
import { SHOP_SERVICES } from './shop.ts';

const SCORES = 'max by (service) (anomaly_score{namespace="shop",detector="autoencoder"})';
const FIRING = 'max by (service) (ALERTS{alertname="ServiceAnomalous",alertstate="firing",namespace="shop"})';
const RANKS = 'max by (service) (anomaly_root_cause_rank{namespace="shop"})';

/** Seconds in demo time; in real time all take twelve times as long. */
const FIRST_SCORES = 400;
const SCORE = 100;
const ALERT = 100;
const CAUSE = 60;
const RESOLVED = 200;

/** What the scorer says of the simulated shop, as Prometheus has it. */
export class Anomalies {
  readonly #cluster: Cluster;
  readonly #monitoring: Monitoring;
  readonly #pace: number;

  /** @param pace how many times slower than in demo time it all is */
  constructor(cluster: Cluster, monitoring: Monitoring, pace = 1) {
    this.#cluster = cluster;
    this.#monitoring = monitoring;
    this.#pace = pace;
  }

  /** Resolves when every service of the shop has a score. */
  async firstScores(): Promise<void> {
    await this.#until('a score of each service', FIRST_SCORES, async () => {
      const scores = await this.#byService(SCORES);
      return SHOP_SERVICES.every((service) => scores.has(service));
    });
  }

  /** Services with a firing alert. */
  async firing(): Promise<string[]> {
    return [...(await this.#byService(FIRING)).keys()];
  }

  async scoreAboveOne(service: string): Promise<void> {
    await this.#until(`a score above 1 of ${service}`, SCORE, async () => (await this.score(service)) > 1);
  }

  async alertFires(service: string): Promise<void> {
    await this.#until(`the alert of ${service}`, ALERT, async () => (await this.firing()).includes(service));
  }

  async isFirstCause(service: string): Promise<void> {
    await this.#until(
      `${service} as the first cause`,
      CAUSE,
      async () => (await this.#byService(RANKS)).get(service) === 1,
    );
  }

  /** Resolves when no alert of the shop fires, and the service's score is below 1. */
  async resolved(service: string): Promise<void> {
    await this.#until(
      `the end of the alerts after ${service} recovered`,
      RESOLVED,
      async () => (await this.firing()).length === 0 && (await this.score(service)) < 1,
    );
  }

  /** The score of a service; NaN if it has none. */
  async score(service: string): Promise<number> {
    return (await this.#byService(SCORES)).get(service) ?? NaN;
  }

  async #byService(expression: string): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#monitoring.query(expression);
    return new Map(rows.map(({ labels, value }) => [labels['service'] ?? '', value]));
  }

  async #until(what: string, seconds: number, attempt: () => Promise<boolean>): Promise<void> {
    await this.#cluster.until(what, seconds * this.#pace, attempt);
  }
}
