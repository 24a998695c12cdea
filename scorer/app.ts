import type { Listen } from '../daemon/http-server/kept-listeners.ts';
import { listen } from '../daemon/http-server/web-app.ts';
import { StopStack } from '../daemon/lifecycle.ts';
import { AnnouncementWatch } from './announced/watch.ts';
import type { ScorerConfig } from './config.ts';
import { Detection } from './cycle/detection.ts';
import { FeatureSource } from './cycle/feature-source.ts';
import { GoneWatch } from './cycle/gone-watch.ts';
import { KeptExperience } from './cycle/kept-experience.ts';
import { KeptState } from './cycle/kept-state.ts';
import type { RestingMemory } from './cycle/memory.ts';
import { TraceFeed } from './cycle/trace-feed.ts';
import { Cycles } from './cycles.ts';
import { ProblemWatch } from './doctor/watch.ts';
import type { FeatureSet } from './features/features.ts';
import { Fleet } from './fleet/fleet.ts';
import { BackgroundLearning } from './learning/background.ts';
import { DetectorsInUse } from './learning/detectors/detectors-in-use.ts';
import { KnowledgeInUse } from './learning/knowledge-in-use.ts';
import { ScorerMetrics } from './metrics.ts';
import { Publisher } from './output/publisher.ts';
import { ShardRanking } from './scoring/ranking/shard-ranking.ts';
import { TraceReceiver } from './traces/receiver/receiver.ts';
import type { Trace } from './traces/span.ts';
import { createScorerWebApp, type ScorerWebOptions } from './web-app.ts';

export interface ScorerAppOptions extends ScorerWebOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly listenAddress: string;
  /** Command line that runs `lorikeet-scorer train` with this configuration. */
  readonly learnCommand: readonly [string, ...string[]];
  /** Frees memory between cycles. Default: left to V8 and the C library. */
  readonly memory?: RestingMemory | undefined;
  /** Default: listeners of its own. */
  readonly listen?: { readonly web: Listen; readonly traces: Listen };
}

/** Time for `stop`, milliseconds: cycles, requests and output need less, even one after another. Docker waits 10 s. */
export const STOP_MS = 9000;

/** The scorer without its command line, so that tests can start and stop it. */
export class ScorerApp {
  readonly metrics = new ScorerMetrics();
  readonly #options: ScorerAppOptions;
  readonly #stops = new StopStack();
  readonly #fleet: Fleet;
  readonly #source: FeatureSource;
  readonly #knowledge: KnowledgeInUse;
  readonly #publisher: Publisher;
  readonly #detectors: DetectorsInUse;
  readonly #traces: TraceReceiver | undefined;
  readonly #traceFeed: TraceFeed;
  readonly #kept: KeptState;
  readonly #cycles: Cycles;
  #successor: ScorerApp | undefined;

  constructor(options: ScorerAppOptions) {
    const { config, set, logger, memory, listen: kept } = options;
    this.#options = options;
    const { metrics } = this;
    const shared = { config, set, logger, metrics };
    const detectors = (this.#detectors = new DetectorsInUse(shared));
    const minimum = Math.ceil(config.learning.minimum / config.interval);
    const reach = Math.max(config.steps.at(-1) ?? 0, minimum, detectors.reach) + 1;
    const fleet = (this.#fleet = new Fleet(set, config.interval, reach + 1, config.shard, config.identity));
    const experience = new KeptExperience(config, set, logger, (key) => fleet.services.has(key));
    const shards =
      config.shard.count > 1 ? new ShardRanking(config.shard, config.interval, config.identity) : undefined;
    const source = (this.#source = new FeatureSource({ ...shared, fleet, reach, detectors, shards }));
    this.#stops.onStop('prometheus client', () => source.close());
    const { client } = source;
    const announcements = new AnnouncementWatch({ ...shared, client });
    this.#stops.onStop('announcements', () => announcements.close());
    const watch = new ProblemWatch({ ...shared, delayMs: () => source.delayMs });
    this.#stops.onStop('examination', () => watch.stop());
    const publisher = (this.#publisher = new Publisher(shared));
    this.#stops.onStop('output', () => this.#endOutput());
    const knowledge = (this.#knowledge = new KnowledgeInUse(shared));
    const learning = new BackgroundLearning({ ...shared, knowledge, detectors, command: options.learnCommand });
    const gone = new GoneWatch({ ...shared, fleet, client });
    const detection = new Detection({ config, set, fleet, detectors, gone });
    const traces = { ...options, registry: metrics.registry, labels: config.identity.labels };
    this.#traces = config.traces && new TraceReceiver({ ...traces, listen: kept?.traces, config: config.traces });
    const traceFeed = (this.#traceFeed = new TraceFeed(config, metrics.registry, logger));
    this.#kept = new KeptState(experience, gone, traceFeed);
    this.#traces?.onTrace((trace) => this.takeTrace(trace));
    const input = { source, fleet, announcements, traceFeed, shards };
    const judgement = { knowledge, detectors, detection, experience, kept: this.#kept };
    this.#cycles = new Cycles({ ...shared, ...input, ...judgement, publisher, learning, watch, memory });
    metrics.interval.set(config.interval / 1000);
    metrics.shard.set({ index: config.shard.index, count: config.shard.count }, 1);
  }

  /** Starts the web server, opens the model, starts the cycles. Resolves with the listen address. */
  async start(): Promise<string> {
    const address = await this.serve();
    await this.prepare();
    this.run();
    this.#options.logger.info('listening', { address });
    return address;
  }

  /** Starts the web server. Resolves with the listen address. @throws UsageError, ListenError */
  async serve(): Promise<string> {
    const { listenAddress, web: { createServer } = {}, listen: { web: bind } = { web: listen } } = this.#options;
    const listener = await bind(this.#webApp(), listenAddress, createServer && { createServer });
    this.#stops.onStop('web', () => listener.close());
    return listener.address;
  }

  /** All that may fail before the first cycle. */
  async prepare(): Promise<void> {
    if (this.#traces !== undefined) {
      this.#stops.onStop('traces', () => this.#traces?.stop());
      await this.#traces.start();
    }
    await this.open();
    await this.#source.open();
    this.#stops.onStop('cycles', () => this.#cycles.end());
  }

  /** Starts the cycles. */
  run(): void {
    this.#cycles.start();
  }

  /** Ends the cycles until `run`, and saves what they remember, for a successor to open. */
  async pause(): Promise<void> {
    await this.#cycles.pause();
  }

  /** Opens the model, the profiles and the experience: all that `cycle` needs. */
  async open(): Promise<void> {
    await this.#kept.load();
    this.#stops.onStop('kept state', () => this.#kept.save());
    await this.#knowledge.open();
    this.#stops.onStop('model', () => this.#knowledge.close());
    await this.#detectors.open();
    this.#stops.onStop('detectors', () => this.#detectors.close());
  }

  /** Takes a trace, to be judged by the next cycle. */
  takeTrace(trace: Trace): void {
    this.#traceFeed.take(trace);
  }

  /** Fails what waits for Prometheus, so that `stop` need not wait for it. */
  async giveUp(): Promise<void> {
    await this.#cycles.giveUp();
  }

  /** @param successor gets the samples that are still to be written */
  stop(successor?: ScorerApp): Promise<void> {
    this.#successor ??= successor;
    return this.#stops.stop(STOP_MS);
  }

  /** Fetches, scores and publishes `step` (intervals since the epoch). Counts and logs failures; never rejects. */
  async cycle(step: number): Promise<void> {
    await this.#cycles.run(step);
  }

  /** Frees the last cycle's memory once its samples were accepted or dropped, unless a later cycle published since. */
  async rest(): Promise<void> {
    await this.#cycles.rest();
  }

  /** The last scores in Prometheus' text format; empty if they are written by remote write. */
  renderScores(): string {
    return this.#publisher.render();
  }

  async #endOutput(): Promise<void> {
    if (this.#successor === undefined) await this.#publisher.close();
    else await this.#publisher.handOver(this.#successor.#publisher);
  }

  #webApp() {
    const view = {
      ...this.#options,
      fleet: this.#fleet,
      knowledge: this.#knowledge,
      last: () => this.#cycles.last,
      metrics: async () => ({
        contentType: this.metrics.registry.contentType,
        body: (await this.metrics.registry.metrics()) + this.renderScores(),
      }),
      ready: () => this.#cycles.ready,
    };
    return createScorerWebApp(view, this.#options);
  }
}
