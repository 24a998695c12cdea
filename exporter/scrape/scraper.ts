import { setImmediate } from 'node:timers/promises';
import type { ExpositionFormat } from '../../daemon/http-server/accept.ts';
import { ScrapeAbort, type MetricsPage, type Scrape } from '../../daemon/http-server/scrape.ts';
import type { ConditionLog } from '../../daemon/logger.ts';
import { runCollector, unavailable, type Collector } from './collector.ts';
import type { Exposition } from './exposition.ts';
import { FirstScrapes, type ScrapeView } from './first-scrapes.ts';
import { ProtobufExposition } from './protobuf-exposition.ts';
import type { SelfMetrics } from './self-metrics.ts';
import { TextExposition } from './text-exposition.ts';

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
  readonly #texts = new Pool(() => new TextExposition());
  readonly #messages = new Pool(() => new ProtobufExposition());
  readonly #firstScrapes = new FirstScrapes();

  constructor(options: ScraperOptions) {
    this.#options = options;
  }

  /** @throws ScrapeAbort if the client has disconnected. */
  async scrape(request: Scrape): Promise<MetricsPage> {
    const view = this.#firstScrapes.begin(request.scraper, this.#options.now());
    const { out, free } = this.#begin(request.format, view);
    const release = (): void => {
      free();
      this.#options.sent();
    };
    try {
      await this.#render(out, request.signal);
      view.finish();
      return { contentType: out.contentType, body: out.bytes(), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #begin(format: ExpositionFormat, view: ScrapeView): { readonly out: Exposition; readonly free: () => void } {
    if (format === 'protobuf') {
      const { item: out, free } = this.#messages.take();
      out.begin(view);
      return { out, free };
    }
    const { item: out, free } = this.#texts.take();
    out.begin(format, view);
    return { out, free };
  }

  async #render(out: Exposition, signal: AbortSignal): Promise<void> {
    const { collectors, targets, maps, complete, self, log } = this.#options;
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
    await out.append(self.registry);
    out.end();
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
}

/** Overlapping scrapes need a buffer each; free buffers are reused. */
class Pool<T> {
  readonly #make: () => T;
  readonly #free: T[] = [];

  constructor(make: () => T) {
    this.#make = make;
  }

  take(): { readonly item: T; readonly free: () => void } {
    const item = this.#free.pop() ?? this.#make();
    const free = (): void => {
      if (this.#free.length < KEPT_BUFFERS) this.#free.push(item);
    };
    return { item, free };
  }
}

function clientLeft(signal: AbortSignal): boolean {
  return signal.reason instanceof ScrapeAbort && signal.reason.code === 'CLIENT_LEFT';
}
