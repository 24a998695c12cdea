import type { Listen } from '../daemon/http-server/kept-listeners.ts';
import { listen } from '../daemon/http-server/web-app.ts';
import { StopStack } from '../daemon/lifecycle.ts';
import { BackgroundLearning } from './learning/background.ts';
import type { ScorerConfig } from './config.ts';
import { ProblemWatch } from './doctor/watch.ts';
import { CycleHealth } from './cycle/cycle-health.ts';
import { Detection } from './cycle/detection.ts';
import { FeatureSource } from './cycle/feature-source.ts';
import { observeScores } from './cycle/observe-scores.ts';
import type { FeatureSet } from './features/features.ts';
import { Fleet } from './fleet/fleet.ts';
import { DetectorsInUse } from './learning/detectors/detectors-in-use.ts';
import { KnowledgeInUse } from './learning/knowledge-in-use.ts';
import { AnnouncementWatch } from './announced/watch.ts';
import { GoneWatch } from './cycle/gone-watch.ts';
import { KeptExperience } from './cycle/kept-experience.ts';
import { KeptState } from './cycle/kept-state.ts';
import { TraceFeed } from './cycle/trace-feed.ts';
import type { RestingMemory } from './cycle/memory.ts';
import { ScorerMetrics } from './metrics.ts';
import { cycleSamples } from './output/cycle-samples.ts';
import { Publisher } from './output/publisher.ts';
import { Schedule } from './cycle/schedule.ts';
import type { FleetScores } from './scoring/score-fleet.ts';
import { serviceName } from './identity/service-key.ts';
import { ShardRanking } from './scoring/ranking/shard-ranking.ts';
import { owns } from './identity/shard.ts';
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

/** Time for a cycle to end before a successor takes over, milliseconds. */
const LAST_CYCLE_MS = 5000;
/** Services and edges without a value for this many steps are forgotten. */
const FORGET_AFTER_STEPS = 60;

/** The scorer without its command line, so that tests can start and stop it. */
export class ScorerApp {
  readonly metrics = new ScorerMetrics();
  readonly #options: ScorerAppOptions;
  readonly #stops = new StopStack();
  readonly #health: CycleHealth;
  readonly #fleet: Fleet;
  readonly #source: FeatureSource;
  readonly #knowledge: KnowledgeInUse;
  readonly #learning: BackgroundLearning;
  readonly #announcements: AnnouncementWatch;
  readonly #publisher: Publisher;
  readonly #detectors: DetectorsInUse;
  readonly #detection: Detection;
  readonly #shards: ShardRanking | undefined;
  readonly #experience: KeptExperience;
  readonly #traces: TraceReceiver | undefined;
  readonly #traceFeed: TraceFeed;
  readonly #watch: ProblemWatch;
  readonly #kept: KeptState;
  readonly #schedule: Schedule;
  #last: { readonly step: number; readonly scores: FleetScores['scores'] } = { step: 0, scores: [] };

  constructor(options: ScorerAppOptions) {
    const { config, set, logger, listen: kept } = options;
    this.#options = options;
    const shared = { config, set, logger, metrics: this.metrics };
    this.#health = new CycleHealth(logger, config.prometheus.url);
    this.#detectors = new DetectorsInUse(shared);
    const minimum = Math.ceil(config.learning.minimum / config.interval);
    const reach = Math.max(config.steps.at(-1) ?? 0, minimum, this.#detectors.reach) + 1;
    this.#fleet = new Fleet(set, config.interval, reach + 1, config.shard, config.identity);
    this.#experience = new KeptExperience(config, set, logger, (key) => this.#fleet.services.has(key));
    this.#shards =
      config.shard.count > 1 ? new ShardRanking(config.shard, config.interval, config.identity) : undefined;
    this.#source = new FeatureSource({
      ...shared,
      fleet: this.#fleet,
      reach,
      detectors: this.#detectors,
      shards: this.#shards,
    });
    this.#stops.onStop('prometheus client', () => this.#source.close());
    const { client } = this.#source;
    this.#announcements = new AnnouncementWatch({ ...shared, client });
    this.#stops.onStop('announcements', () => this.#announcements.close());
    this.#watch = new ProblemWatch({ ...shared, delayMs: () => this.#source.delayMs });
    this.#stops.onStop('examination', () => this.#watch.stop());
    this.#publisher = new Publisher(shared);
    this.#stops.onStop('output', () => this.#publisher.close());
    this.#knowledge = new KnowledgeInUse(shared);
    const learned = { knowledge: this.#knowledge, detectors: this.#detectors };
    this.#learning = new BackgroundLearning({ ...shared, ...learned, command: options.learnCommand });
    this.#stops.onStop('learning', () => this.#learning.stop());
    const gone = new GoneWatch({ ...shared, fleet: this.#fleet, client });
    this.#detection = new Detection({ config, set, fleet: this.#fleet, detectors: this.#detectors, gone });
    const traces = { ...options, registry: this.metrics.registry, labels: config.identity.labels };
    this.#traces = config.traces && new TraceReceiver({ ...traces, listen: kept?.traces, config: config.traces });
    this.#traceFeed = new TraceFeed(config, this.metrics.registry, logger);
    this.#kept = new KeptState(this.#experience, gone, this.#traceFeed);
    this.#traces?.onTrace((trace) => this.takeTrace(trace));
    this.#schedule = this.#scheduleOf(options);
    this.metrics.interval.set(config.interval / 1000);
    this.metrics.shard.set({ index: config.shard.index, count: config.shard.count }, 1);
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
    this.#stops.onStop('schedule', () => this.#schedule.stop());
  }

  /** Starts the cycles. */
  run(): void {
    this.#watch.consider();
    this.#schedule.start();
  }

  /** Ends the cycles until `run`, and saves what they remember, for a successor to open. */
  async pause(): Promise<void> {
    await this.#schedule.stop(LAST_CYCLE_MS);
    await this.#kept.save();
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

  stop(): Promise<void> {
    return this.#stops.stop();
  }

  /** Fetches, scores and publishes `step` (intervals since the epoch). Counts and logs failures; never rejects. */
  async cycle(step: number): Promise<void> {
    const { config } = this.#options;
    const timestampMs = step * config.interval;
    try {
      await this.#knowledge.adopt();
      await this.#detectors.adopt();
      await this.metrics.timed('query', () => this.#source.fetchUntil(step));
      await this.#announcements.update(timestampMs);
      this.#fleet.forgetBefore(step - FORGET_AFTER_STEPS);
      const detected = await this.#detection.run(step, this.#knowledge.current, {
        traces: this.#traceFeed.next(),
        announced: this.#announcements.current,
        experience: this.#experience.experience,
        ...(this.#shards !== undefined && {
          assumeIncident: true,
          isCandidate: (key: string) => owns(config.shard, serviceName(key)),
        }),
      });
      const { fleet: result } = detected;
      observeScores(this.metrics, result, this.#knowledge.current.profiles?.learnedAtMs);
      this.#last = { step, scores: result.scores };
      const times = { timestampMs, intervalMs: config.interval };
      this.#publisher.publish(cycleSamples(detected, times, this.#announcements.current, this.#shards), timestampMs);
      this.#health.completed();
      this.metrics.lastCycle.set(timestampMs / 1000);
      this.#learning.consider({ step, states: result.states, services: this.#fleet.services });
      await this.#kept.saveIfDue(step);
    } catch (error) {
      this.metrics.cyclesFailed.inc();
      if (this.#health.failed(error)) this.#publisher.publish([], timestampMs);
    }
  }

  /** Frees the last cycle's memory once its samples were accepted or dropped, unless a later cycle published since. */
  async rest(): Promise<void> {
    if (await this.#publisher.delivered()) await this.#options.memory?.release();
  }

  /** The last scores in Prometheus' text format; empty if they are written by remote write. */
  renderScores(): string {
    return this.#publisher.render();
  }

  #scheduleOf({ config, logger }: ScorerAppOptions): Schedule {
    return new Schedule({
      intervalMs: config.interval,
      delayMs: () => this.#source.delayMs,
      cycle: async (step) => {
        if (await this.#source.isAhead(step * config.interval)) return this.metrics.cyclesSkipped.inc();
        await this.cycle(step);
        this.#watch.consider();
        void this.rest();
      },
      onSkip: (count) => {
        this.metrics.cyclesSkipped.inc(count);
        logger.warn('cycles skipped', { count });
      },
    });
  }

  #webApp() {
    const view = {
      ...this.#options,
      fleet: this.#fleet,
      knowledge: this.#knowledge,
      last: () => this.#last,
      metrics: async () => ({
        contentType: this.metrics.registry.contentType,
        body: (await this.metrics.registry.metrics()) + this.renderScores(),
      }),
      ready: () => (this.#health.ready === true ? this.#watch.ready : this.#health.ready),
    };
    return createScorerWebApp(view, this.#options);
  }
}
