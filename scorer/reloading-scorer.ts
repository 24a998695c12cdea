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
  readonly #listen = { web: new KeptListeners().listen, traces: new KeptListeners().listen };
  #app: ScorerApp;
  #started: Promise<unknown> = Promise.resolve();
  #reloading: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @throws ConfigError */
  constructor(options: ReloadingScorerOptions) {
    this.#options = options;
    this.#memory = openRestingMemory(options.logger);
    this.#app = this.#open();
  }

  async start(): Promise<void> {
    this.#started = this.#app.start();
    await this.#started;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
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
    if (this.#stopped) return;
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
      previous.metrics.configReloaded.set(0);
      logger.error('reload failed, the previous configuration stays in use', { error: error as Error });
      throw error;
    }
    this.#app = next;
    try {
      await previous.stop();
    } catch (error) {
      logger.warn('the previous scorer did not stop in time', { error: error as Error });
    }
    next.run();
    logger.info('configuration reloaded');
  }

  /** A scorer that only lacks its cycles. If it cannot be had, `previous` goes on. */
  async #prepared(previous: ScorerApp): Promise<ScorerApp> {
    const next = this.#open();
    await previous.pause();
    try {
      await next.prepare();
      await next.serve();
      return next;
    } catch (error) {
      await next.stop().catch(() => undefined);
      previous.run();
      throw error;
    }
  }
}
