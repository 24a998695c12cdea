import { setImmediate } from 'node:timers/promises';
import { ScrapeAbort, type MetricsPage, type Scrape } from '../../daemon/http-server/scrape.ts';
import type { ConditionLog } from '../../daemon/logger.ts';
import { runCollector, unavailable, type Collector } from './collector.ts';
import { Exposition } from './exposition.ts';
import type { SelfMetrics } from './self-metrics.ts';

/** What a scrape does besides collecting. */
export interface ScrapePart {
  readonly name: string;
  readonly run: () => void;
}

export interface ScraperOptions {
  readonly collectors: readonly Collector[];
  /** First of every scrape: who is here now. When it fails, the collectors go on with whom they knew. */
  readonly targets: ScrapePart;
  /** Last of every scrape: how full the kernel maps are that the collectors have read, and what was lost. */
  readonly maps: ScrapePart;
  /** What else the exporter says of itself, when the collectors are done. */
  readonly complete: () => void;
  readonly self: SelfMetrics;
  readonly log: ConditionLog;
  /** Called when a page has been sent, when nobody waits. */
  readonly sent: () => void;
}

/** Buffers of several megabytes, kept for the next scrapes: one is in use nearly always, two with a pair of servers. */
const KEPT_BUFFERS = 2;

/** Renders /metrics. Scrapes may overlap. */
export class Scraper {
  readonly #options: ScraperOptions;
  /** Scrapes that overlap need a buffer each; what is free is used again. */
  readonly #free: Exposition[] = [];

  constructor(options: ScraperOptions) {
    this.#options = options;
  }

  /** @throws ScrapeAbort when the client has left. */
  async scrape(request: Scrape): Promise<MetricsPage> {
    const out = this.#free.pop() ?? new Exposition();
    try {
      return await this.#render(out, request);
    } catch (error) {
      this.#release(out);
      throw error;
    }
  }

  async #render(out: Exposition, { format, signal }: Scrape): Promise<MetricsPage> {
    const { collectors, targets, maps, complete, self, log } = this.#options;
    out.begin(format);
    this.#run(targets);
    for (const collector of collectors) {
      if (clientLeft(signal)) throw signal.reason;
      // What there is no time left for counts as failed; the client gets the rest.
      const step = signal.aborted ? unavailable(collector.name, signal.reason as Error) : collector;
      self.collector(await runCollector(step, out, log));
      // Each collector is a few milliseconds of work on end: others get their turn between two.
      await setImmediate();
    }
    this.#run(maps);
    self.series(out.count);
    complete();
    out.append(await self.render());
    out.end();
    return { contentType: out.contentType, body: out.bytes(), release: () => this.#release(out) };
  }

  #run({ name, run }: ScrapePart): void {
    const { log, self } = this.#options;
    const condition = `part ${name}`;
    try {
      run();
      self.part(name, true);
      log.recovered(condition, 'part of the scrape recovered', { part: name });
    } catch (error) {
      self.part(name, false);
      log.failing(condition, 'part of the scrape failed', error, { part: name });
    }
  }

  #release(out: Exposition): void {
    if (this.#free.length < KEPT_BUFFERS) this.#free.push(out);
    this.#options.sent();
  }
}

function clientLeft(signal: AbortSignal): boolean {
  return signal.reason instanceof ScrapeAbort && signal.reason.code === 'CLIENT_LEFT';
}
