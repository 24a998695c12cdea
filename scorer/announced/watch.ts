import { HttpError } from '../../daemon/http-client/client.ts';
import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { type PrometheusClient, PrometheusError } from '../prometheus/client.ts';
import { announcedAt } from './expressions.ts';
import { Announced } from './scopes.ts';
import { announcedNow, type Silences, SilencesClient } from './silences.ts';

/** What users have announced for services at one time. */
export interface Announcements {
  /** Services that do not alert, and whose time is not learned. */
  readonly maintenance: Announced;
  /** Services that do not alert, and whose time is learned, however unusual it is. */
  readonly expected: Announced;
}

export interface AnnouncementWatchOptions {
  readonly config: Pick<ScorerConfig, 'maintenance' | 'expected' | 'identity' | 'external_labels'>;
  readonly client: PrometheusClient;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** One place where users announce something. */
interface Source {
  readonly name: 'maintenance' | 'expected' | 'silences';
  /** @returns what is announced, by time: a silence ends while Alertmanager does not answer */
  readonly read: (timeMs: number) => Promise<(timeMs: number) => Announced>;
}

/** What is announced, as of the last successful queries. Without any in the configuration, nothing is queried. */
export class AnnouncementWatch {
  readonly #options: AnnouncementWatchOptions;
  readonly #conditions: ConditionLog;
  readonly #sources: readonly Source[];
  readonly #silences: SilencesClient | undefined;
  readonly #last = new Map<Source['name'], (timeMs: number) => Announced>();
  readonly #reported = new Set<string>();
  #timeMs = 0;

  constructor(options: AnnouncementWatchOptions) {
    this.#options = options;
    this.#conditions = new ConditionLog(options.logger);
    const { maintenance, expected, identity, external_labels: external } = options.config;
    const silences =
      expected.alertmanager && new SilencesClient({ settings: expected.alertmanager, identity, external });
    this.#silences = silences;
    this.#sources = [
      ...this.#evaluated('maintenance', maintenance),
      ...this.#evaluated('expected', expected.expressions),
      ...(silences === undefined ? [] : [{ name: 'silences' as const, read: () => this.#fetched(silences) }]),
    ];
  }

  get current(): Announcements {
    return { maintenance: this.#of('maintenance'), expected: this.#of('expected', 'silences') };
  }

  /** Queries again; keeps the last result of what fails. Never rejects. */
  async update(timeMs: number): Promise<void> {
    this.#timeMs = timeMs;
    await Promise.all(
      this.#sources.map(async ({ name, read }) => {
        try {
          this.#last.set(name, await read(timeMs));
          this.#conditions.recovered(name, `${name} query works again`);
        } catch (error) {
          const code = error instanceof PrometheusError || error instanceof HttpError ? error.code : 'OTHER';
          this.#options.metrics.queryFailures.inc({ code });
          this.#conditions.failing(name, `${name} query failed, using the last result`, error);
        }
      }),
    );
  }

  async close(): Promise<void> {
    await this.#silences?.close();
  }

  #of(...names: readonly Source['name'][]): Announced {
    return new Announced(names.flatMap((name) => this.#last.get(name)?.(this.#timeMs).scopes ?? []));
  }

  #evaluated(name: Source['name'], expressions: readonly string[]): readonly Source[] {
    if (expressions.length === 0) return [];
    const { client, config } = this.#options;
    const read = async (timeMs: number) => {
      const announced = await announcedAt(client, expressions, timeMs, config.identity);
      return () => announced;
    };
    return [{ name, read }];
  }

  async #fetched(client: SilencesClient): Promise<(timeMs: number) => Announced> {
    const silences = await client.fetch();
    this.#report(silences);
    return (timeMs) => announcedNow(silences, timeMs);
  }

  /** Logs each silence that cannot be used once. */
  #report({ unusable }: Silences): void {
    for (const { id, reason } of unusable) {
      if (!this.#reported.has(id)) this.#options.logger.warn('silence not usable', { id, reason });
      this.#reported.add(id);
    }
    const present = new Set(unusable.map(({ id }) => id));
    for (const id of this.#reported) if (!present.has(id)) this.#reported.delete(id);
  }
}
