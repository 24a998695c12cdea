import type { App } from '../daemon/command.ts';
import { KeptListeners } from '../daemon/http-server/kept-listeners.ts';
import { oneAtATime } from '../daemon/reloading/one-at-a-time.ts';
import { openRestingMemory, type RestingMemory } from './cycle/memory.ts';
import { ScorerApp, type ScorerAppOptions } from './app.ts';
import { readScorerFiles, type ScorerFiles } from './scorer-files.ts';

export interface ReloadingScorerOptions extends Omit<
  ScorerAppOptions,
  keyof ScorerFiles | 'memory' | 'reload' | 'listen'
> {
  /** The path of scorer.yaml. */
  readonly configFile: string;
}

/** Time for requests under way when the program ends, milliseconds: samples are written after them. */
const DRAIN_MS = 1000;

/** The program is told to stop while it reloads. */
export class StoppingError extends Error {
  readonly code = 'STOPPING';
  override readonly name = 'StoppingError';

  constructor() {
    super('the scorer is stopping');
  }
}

/**
 * Replaces the running scorer by a new one when the configuration is reloaded. Whatever may fail happens before: then
 * the running one goes on. The ports stay open meanwhile.
 */
export class ReloadingScorer implements App {
  /**
   * Resolves when the new configuration is in use. One reload runs at a time.
   *
   * @throws ConfigError, or whatever the new configuration fails with; the previous one stays in use
   */
  readonly reload = oneAtATime(() => this.#reload());
  readonly #options: ReloadingScorerOptions;
  readonly #memory: RestingMemory | undefined;
  /** Apart, so that two that are told the same address don't share it. */
  readonly #listen = {
    web: new KeptListeners({ drainMs: DRAIN_MS }).listen,
    traces: new KeptListeners({ drainMs: DRAIN_MS }).listen,
  };
  #app: ScorerApp;
  /** While a reload prepares it. */
  #next: ScorerApp | undefined;
  #started: Promise<unknown> = Promise.resolve();
  #reloading: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @throws ConfigError */
  constructor(options: ReloadingScorerOptions) {
    this.#options = options;
    this.#memory = openRestingMemory(options.logger);
    this.#app = this.#open();
  }

  async start(signal: AbortSignal): Promise<void> {
    const giveUp = () => void this.#app.giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    this.#started = this.#app.start();
    try {
      await this.#started;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    // A reload under way must not wait for Prometheus.
    if (this.#next !== undefined) await Promise.all([this.#app.giveUp(), this.#next.giveUp()]);
    await this.#reloading.catch(() => undefined);
    await this.#app.stop();
  }

  /** A scorer of the files as they are now, not started. @throws ConfigError */
  #open(): ScorerApp {
    const files = readScorerFiles(this.#options.configFile);
    const own = { memory: this.#memory, reload: () => this.reload(), listen: this.#listen };
    return new ScorerApp({ ...this.#options, ...files, ...own });
  }

  async #reload(): Promise<void> {
    await this.#started;
    this.#throwIfStopped();
    this.#reloading = this.#replace();
    await this.#reloading;
  }

  async #replace(): Promise<void> {
    const { logger } = this.#options;
    const previous = this.#app;
    let next: ScorerApp;
    try {
      next = await this.#prepared(previous);
    } catch (error) {
      if (error instanceof StoppingError) throw error;
      previous.metrics.configReloaded.set(0);
      logger.error('reload failed, the previous configuration stays in use', { error: error as Error });
      throw error;
    }
    this.#app = next;
    try {
      await previous.stop(next);
    } catch (error) {
      logger.warn('the previous scorer did not stop in time', { error: error as Error });
    }
    this.#throwIfStopped();
    next.run();
    logger.info('configuration reloaded');
  }

  /** A scorer that only lacks its cycles. If it cannot be had, `previous` goes on. */
  async #prepared(previous: ScorerApp): Promise<ScorerApp> {
    const next = (this.#next = this.#open());
    try {
      await previous.pause();
      this.#throwIfStopped();
      await next.prepare();
      this.#throwIfStopped();
      await next.serve();
      return next;
    } catch (error) {
      await next.stop().catch(() => undefined);
      if (!this.#stopped) previous.run();
      throw error;
    } finally {
      this.#next = undefined;
    }
  }

  #throwIfStopped(): void {
    if (this.#stopped) throw new StoppingError();
  }
}
