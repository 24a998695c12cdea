import type { App } from '../daemon/command.ts';
import { openRestingMemory, type RestingMemory } from './cycle/memory.ts';
import { ScorerApp, type ScorerAppOptions } from './app.ts';
import { readScorerFiles, type ScorerFiles } from './scorer-files.ts';

export interface ReloadingScorerOptions extends Omit<ScorerAppOptions, keyof ScorerFiles | 'memory' | 'reload'> {
  /** The path of scorer.yaml. */
  readonly configFile: string;
}

/** Replaces the running scorer by a new one when the configuration is reloaded. */
export class ReloadingScorer implements App {
  readonly #options: ReloadingScorerOptions;
  readonly #memory: RestingMemory | undefined;
  #files: ScorerFiles;
  #app: ScorerApp | undefined;
  #stopped = false;

  /** @throws ConfigError */
  constructor(options: ReloadingScorerOptions) {
    this.#options = options;
    this.#files = readScorerFiles(options.configFile);
    this.#memory = openRestingMemory(options.logger);
  }

  async start(): Promise<void> {
    const reload = () => this.reload();
    this.#app = new ScorerApp({ ...this.#options, ...this.#files, memory: this.#memory, reload });
    await this.#app.start();
  }

  /** Reads the files, which may fail, before it replaces the running scorer. @throws ConfigError */
  reload(): void {
    try {
      this.#files = readScorerFiles(this.#options.configFile);
    } catch (error) {
      this.#app?.metrics.configReloaded.set(0);
      this.#options.logger.error('reload failed, the previous configuration stays in use', { error: error as Error });
      throw error;
    }
    // The response to POST /-/reload is sent before the server that sends it is closed.
    setImmediate(() => void this.#swap());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#app?.stop();
  }

  async #swap(): Promise<void> {
    await this.#app?.stop();
    if (this.#stopped) return;
    await this.start();
    this.#options.logger.info('configuration reloaded');
  }
}
