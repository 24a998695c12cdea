import { setImmediate } from 'node:timers/promises';
import { ScrapeAbort, type MetricsPage, type Scrape } from '../../daemon/http-server/scrape.ts';
import type { ConditionLog } from '../../daemon/logger.ts';
import { runCollector, unavailable, type Collector } from './collector.ts';
import { Exposition } from './exposition.ts';
import { FirstScrapes } from './first-scrapes.ts';
import type { SelfMetrics } from './self-metrics.ts';

/** A step of a scrape other than a collector. */
export interface ScrapePart {
  readonly name: string;
  readonly run: () => void;
}

export interface ScraperOptions {
  readonly collectors: readonly Collector[];
  /** First in every scrape: refreshes the targets. If it fails, the collectors use the previous targets. */
  readonly targets: ScrapePart;
  /** Last in every scrape: usage of the kernel maps and lost events. */
  readonly maps: ScrapePart;
  /** Sets the remaining metrics about the exporter, after the collectors. */
  readonly complete: () => void;
  readonly self: SelfMetrics;
  /** Milliseconds. */
  readonly now: () => number;
  readonly log: ConditionLog;
  /** Called after a response has been sent, when no client waits. */
  readonly sent: () => void;
}

/** Buffers of several megabytes, kept for the next scrapes: one, or two with a pair of Prometheus servers. */
const KEPT_BUFFERS = 2;

/** Renders /metrics. Scrapes may overlap. */
export class Scraper {
  readonly #options: ScraperOptions;
  /** Overlapping scrapes need a buffer each; free buffers are reused. */
  readonly #free: Exposition[] = [];
  readonly #firstScrapes = new FirstScrapes();

  constructor(options: ScraperOptions) {
    this.#options = options;
  }

  /** @throws ScrapeAbort if the client has disconnected. */
  async scrape(request: Scrape): Promise<MetricsPage> {
    const out = this.#free.pop() ?? new Exposition();
    try {
      return await this.#render(out, request);
    } catch (error) {
      this.#release(out);
      throw error;
    }
  }

  async #render(out: Exposition, { format, signal, scraper }: Scrape): Promise<MetricsPage> {
    const { collectors, targets, maps, complete, self, log, now } = this.#options;
    const view = this.#firstScrapes.begin(scraper, now());
    out.begin(format, view);
    this.#run(targets);
    for (const collector of collectors) {
      // Each part blocks for a few milliseconds: yield to the event loop between two.
      await setImmediate();
      if (clientLeft(signal)) throw signal.reason;
      // After the timeout the remaining collectors count as failed; the client gets the rest.
      const step = signal.aborted ? unavailable(collector.name, signal.reason as Error) : collector;
      self.collector(await runCollector(step, out, log));
    }
    await setImmediate();
    this.#run(maps);
    await setImmediate();
    self.series(out.count);
    complete();
    out.append(await self.render());
    out.end();
    view.finish();
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
