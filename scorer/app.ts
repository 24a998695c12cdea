import { createHttpClient } from '../daemon/http-client.ts';
import { createWebApp, listen } from '../daemon/http.ts';
import { StopStack } from '../daemon/lifecycle.ts';
import { ConditionLog, type Logger } from '../daemon/logger.ts';
import type { WebConfigFile } from '../daemon/web-config-file.ts';
import type { ScorerConfig } from './config.ts';
import { Feed } from './feed.ts';
import type { FeatureSet } from './features.ts';
import { Fleet } from './fleet.ts';
import { type Knowledge, openKnowledge } from './knowledge.ts';
import { LEARNING_PHASES } from './learn-options.ts';
import { Learner } from './learner.ts';
import { LearningPlan, type LearningSituation } from './learning-plan.ts';
import { Maintenance, maintenanceAt } from './maintenance.ts';
import { collectGarbage } from './memory.ts';
import { ScorerMetrics } from './metrics.ts';
import { modelPaths } from './models.ts';
import type { Image } from './png.ts';
import { renderScores, scoreSamples, SeriesLedger } from './output.ts';
import { PrometheusClient, PrometheusError } from './prometheus.ts';
import type { Sample } from './remote-write/sample.ts';
import { RemoteWriter } from './remote-write/writer.ts';
import { Schedule } from './schedule.ts';
import { createSeasons, type Seasons } from './seasons.ts';
import { type FleetScores, scoreFleet, type ServiceState } from './score-fleet.ts';
import { serviceKey, type ServiceName, serviceName } from './service-key.ts';
import { ShardRanking } from './shard-ranking.ts';
import { owns } from './shard.ts';
import { tensorPages, TENSORS_PATH } from './tensor-pages.ts';
import { pictureOf } from './tensor-picture.ts';
import { allocateWindows, encodeWindow } from './tensor.ts';

export interface ScorerAppOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly logger: Logger;
  readonly listenAddress: string;
  /** Program and arguments that run `lorikeet-scorer train` with this configuration. */
  readonly learnCommand: readonly [string, ...string[]];
  readonly enableLifecycle?: boolean;
  /** TLS and basic auth of the web server. Default: neither. */
  readonly web?: WebConfigFile | undefined;
  readonly reload?: () => void | Promise<void>;
}

const STATES: readonly ServiceState[] = ['scored', 'learning', 'no_data', 'excluded'];
/** After this many failed cycles in a row the last scores are ended rather than left to look fresh. */
const FAILED_CYCLES_UNTIL_STALE = 2;
/** Answers are read as they arrive, so this bounds a runaway, not memory: a step of 10,000 services has 130 MB. */
const MOST_ANSWERED_BYTES = 2 ** 31;
/** A service without a value for this long is forgotten. */
const FORGET_AFTER_STEPS = 60;

/** What was loud at which time of day is kept on disk this often. */
const SEASONS_KEPT_STEPS = 60;

/** The scorer as a running thing that tests can start and stop. */
export class ScorerApp {
  readonly metrics = new ScorerMetrics();
  readonly #options: ScorerAppOptions;
  readonly #stops = new StopStack();
  readonly #conditions: ConditionLog;
  readonly #fleet: Fleet;
  readonly #feed: Feed;
  readonly #writer: RemoteWriter | undefined;
  readonly #learner: Learner;
  readonly #shards: ShardRanking | undefined;
  readonly #ledger = new SeriesLedger();
  readonly #plan: LearningPlan;
  readonly #client: PrometheusClient;
  readonly #seasons: Seasons;
  #maintenance = new Maintenance([]);
  #knowledge: Knowledge = { model: undefined, profiles: undefined, rejected: [] };
  /** What was learned since, in use from the next cycle on. */
  #next: Knowledge | undefined;
  #waiting = 0;
  #board: readonly Sample[] = [];
  #last: { readonly step: number; readonly scores: FleetScores['scores'] } = { step: 0, scores: [] };
  #failedCycles = 0;
  #ready: true | string = 'no cycle has been completed yet';
  #delivering: Promise<unknown> = Promise.resolve();

  constructor(options: ScorerAppOptions) {
    const { config, set, logger } = options;
    this.#options = options;
    this.#conditions = new ConditionLog(logger);
    const reach = Math.max(config.steps.at(-1) ?? 0, Math.ceil(config.learning.minimum / config.interval)) + 1;
    this.#fleet = new Fleet(set, config.interval, reach + 1, config.shard);
    const http = createHttpClient(config.prometheus, {
      timeoutMs: config.prometheus.timeout,
      maxBytes: MOST_ANSWERED_BYTES,
    });
    this.#stops.onStop('prometheus client', () => http.close());
    const client = new PrometheusClient({ url: config.prometheus.url, http });
    this.#client = client;
    this.#seasons = createSeasons(set, config);
    this.#shards = config.shard.count > 1 ? new ShardRanking(config.shard, config.interval) : undefined;
    this.#feed = new Feed({
      client,
      fleet: this.#fleet,
      intervalMs: config.interval,
      reach,
      features: { services: set.features, edges: set.edges },
      shards: this.#shards,
      metrics: this.metrics,
    });
    this.#writer = this.#createWriter();
    this.#learner = new Learner({
      command: options.learnCommand,
      logger,
      onProgress: ({ phase, share }) => this.metrics.trainingProgress.set({ phase }, share),
    });
    this.#plan = new LearningPlan(config);
    this.#stops.onStop('learning', () => this.#learner.stop());
    this.metrics.interval.set(config.interval / 1000);
    this.metrics.shard.set({ index: config.shard.index, count: config.shard.count }, 1);
  }

  /** Opens the model, serves, and starts the cycles. Resolves with where it listens. */
  async start(): Promise<string> {
    const { config, logger, listenAddress } = this.#options;
    const createServer = this.#options.web?.createServer;
    const listener = await listen(this.#webApp(), listenAddress, createServer && { createServer });
    this.#stops.onStop('web', () => listener.close());
    await this.open();
    const schedule = new Schedule({
      intervalMs: config.interval,
      delayMs: config.delay ?? config.interval * 0.1,
      cycle: async (step) => {
        await this.cycle(step);
        void this.rest();
      },
      onSkip: (count) => {
        this.metrics.cyclesSkipped.inc(count);
        logger.warn('cycles skipped', { count });
      },
    });
    schedule.start();
    this.#stops.onStop('schedule', () => schedule.stop());
    logger.info('listening', { address: listener.address });
    return listener.address;
  }

  /** Opens the model and what was learned, which is all that `cycle` needs. */
  async open(): Promise<void> {
    const { config, logger } = this.#options;
    const unused = this.#seasons.load(modelPaths(config).seasons);
    if (unused !== undefined) logger.warn('seasons not used, they are seen anew', { reason: unused });
    this.#stops.onStop('seasons', () => this.#saveSeasons());
    await this.#openKnowledge();
    this.#stops.onStop('model', async () => {
      await this.#next?.model?.autoencoder.close();
      await this.#knowledge.model?.autoencoder.close();
    });
  }

  async stop(): Promise<void> {
    await this.#stops.stop();
  }

  /** Fetches, scores and publishes `step`, a whole number of intervals since the epoch. Failures are counted and logged. */
  async cycle(step: number): Promise<void> {
    const { config, set } = this.#options;
    const timestampMs = step * config.interval;
    try {
      await this.#adopt();
      await this.#timed('query', () => this.#feed.fetchUntil(step));
      await this.#askForMaintenance(timestampMs);
      this.#fleet.forgetBefore(step - FORGET_AFTER_STEPS);
      const shape = { features: set.features, steps: config.steps };
      const { model, profiles } = this.#knowledge;
      const result = await scoreFleet(shape, set, this.#fleet, step, profiles, model?.autoencoder, {
        seasons: this.#seasons,
        ...(this.#shards !== undefined && {
          assumeIncident: true,
          judges: (key: string) => owns(config.shard, serviceName(key)),
        }),
      });
      this.#observe(result);
      this.#last = { step, scores: result.scores };
      this.#publish(this.#samplesOf(result, timestampMs), timestampMs);
      this.#failedCycles = 0;
      this.#ready = true;
      this.metrics.lastCycle.set(timestampMs / 1000);
      this.#conditions.recovered('cycle', 'cycles complete again');
      this.#learnIfDue(step, result);
      if (step % SEASONS_KEPT_STEPS === 0) await this.#saveSeasons(step);
    } catch (error) {
      this.metrics.cyclesFailed.inc();
      this.#conditions.failing('cycle', 'cycle failed', error);
      this.#failedCycles++;
      if (this.#failedCycles === FAILED_CYCLES_UNTIL_STALE) this.#publish([], timestampMs);
    }
  }

  /** Who is in maintenance is asked only where that is configured; an expression that fails leaves what was known last. */
  async #askForMaintenance(timestampMs: number): Promise<void> {
    const { maintenance } = this.#options.config;
    if (maintenance.length === 0) return;
    try {
      this.#maintenance = await maintenanceAt(this.#client, maintenance, timestampMs);
      this.#conditions.recovered('maintenance', 'maintenance is known again');
    } catch (error) {
      this.metrics.queryFailures.inc({ code: error instanceof PrometheusError ? error.code : 'OTHER' });
      this.#conditions.failing('maintenance', 'maintenance not known, what was known last counts', error);
    }
  }

  async #saveSeasons(step?: number): Promise<void> {
    if (step !== undefined) this.#seasons.forget(step, (key) => this.#fleet.services.has(key));
    try {
      await this.#seasons.save(modelPaths(this.#options.config).seasons);
      this.#conditions.recovered('seasons', 'seasons are saved again');
    } catch (error) {
      this.#conditions.failing('seasons', 'seasons not saved, a restart sees them anew', error);
    }
  }

  /** Gives back what the last cycle needed, once each of its samples was accepted or given up; unless a later cycle does so. */
  async rest(): Promise<void> {
    const delivering = this.#delivering;
    await delivering;
    if (delivering === this.#delivering) collectGarbage();
  }

  #createWriter(): RemoteWriter | undefined {
    const { config, logger } = this.#options;
    if (config.output !== 'remote_write' || config.remote_write === undefined) return undefined;
    const { url, timeout, retry_age: retryAgeMs, max_samples_per_send: maxSamplesPerSend } = config.remote_write;
    const http = createHttpClient(config.remote_write, { timeoutMs: timeout });
    this.#stops.onStop('remote-write client', () => http.close());
    const writer = new RemoteWriter({
      url,
      http,
      logger,
      maxSamplesPerSend,
      retryAgeMs,
      observer: {
        onAccepted: (samples) => this.metrics.samplesWritten.inc(samples),
        onDropped: (reason, samples) => this.metrics.samplesDropped.inc({ reason }, samples),
        onRequestFailed: (code) => this.metrics.writeFailures.inc({ code }),
      },
    });
    this.#stops.onStop('remote write', () => writer.close());
    return writer;
  }

  #webApp() {
    const { enableLifecycle = false, reload, web, logger } = this.#options;
    return createWebApp({
      name: 'lorikeet-scorer',
      description: 'Scores how unlike itself each service behaves, from what Prometheus knows of it.',
      metrics: async () => ({
        contentType: this.metrics.registry.contentType,
        body: (await this.metrics.registry.metrics()) + renderScores(this.#board),
      }),
      ready: () => this.#ready,
      links: { [TENSORS_PATH]: 'Tensors' },
      routes: tensorPages({
        scores: () => this.#last.scores,
        picture: (name) => this.#picture(name),
        features: this.#options.set.features.map((feature) => feature.name),
      }),
      enableLifecycle,
      ...(reload !== undefined && { reload }),
      ...(web !== undefined && { before: [web.before] }),
      logger,
    });
  }

  async #openKnowledge(): Promise<void> {
    const { config, set, logger } = this.#options;
    const opened = await openKnowledge(config, set);
    for (const { path, reason } of opened.rejected) logger.warn('model or profiles not used', { path, reason });
    this.metrics.modelDamaged.set(Number(opened.rejected.some(({ damaged }) => damaged)));
    if (opened.model === undefined) logger.info('no model fits the features yet; one will be trained from history');
    else logger.info('model opened', { path: opened.model.path, services: opened.profiles?.services.size ?? 0 });
    await this.#next?.model?.autoencoder.close();
    this.#next = opened;
  }

  /** Between two cycles, so that none is scored by one model's profiles with another model, or by one that is closed. */
  async #adopt(): Promise<void> {
    if (this.#next === undefined) return;
    const { model: outdated } = this.#knowledge;
    this.#knowledge = this.#next;
    this.#next = undefined;
    await outdated?.autoencoder.close();
  }

  /** The window of a service in the last cycle, drawn when it is asked for. */
  async #picture(name: ServiceName): Promise<Image | string> {
    const { model, profiles } = this.#knowledge;
    const key = serviceKey(name);
    const history = this.#fleet.services.get(key);
    const profile = profiles?.services.get(key);
    if (history === undefined) return 'No such service in this scorer.';
    if (profile === undefined || model === undefined) return 'The service has not been learned yet.';
    const shape = { features: this.#options.set.features, steps: this.#options.config.steps };
    const window = allocateWindows(shape, 1);
    encodeWindow(shape, history, this.#last.step, profile.scalings, window, 0);
    return pictureOf(shape, window.data, await model.autoencoder.reconstruct(window.data, window.mask, 1));
  }

  #samplesOf(result: FleetScores, timestampMs: number): Sample[] {
    if (this.#shards === undefined) return scoreSamples(result, timestampMs, this.#maintenance);
    const causes = this.#shards.rank(result, timestampMs);
    return [
      ...scoreSamples({ ...result, causes }, timestampMs, this.#maintenance),
      ...this.#shards.samples(result, timestampMs),
    ];
  }

  /** Hands the samples over; delivery and its retries don't hold up the next cycle. */
  #publish(samples: readonly Sample[], timestampMs: number): void {
    const written = this.#ledger.withStaleMarkers(samples, timestampMs);
    if (this.#writer === undefined) this.#board = samples;
    else this.#delivering = this.#timed('write', async () => await this.#writer?.write(written));
  }

  #observe({ states, missing, encodeMs, inferenceMs, rankMs }: FleetScores): void {
    const counts = new Map<ServiceState, number>();
    for (const state of states.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    for (const state of STATES) this.metrics.services.set({ state }, counts.get(state) ?? 0);
    this.metrics.missingValues.set(missing);
    this.metrics.observePhase('encode', encodeMs);
    this.metrics.observePhase('inference', inferenceMs);
    this.metrics.observePhase('rank', rankMs);
    const learnedAtMs = this.#knowledge.profiles?.learnedAtMs;
    if (learnedAtMs !== undefined) this.metrics.modelAge.set((Date.now() - learnedAtMs) / 1000);
  }

  async #timed<T>(phase: 'query' | 'write', work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.metrics.observePhase(phase, performance.now() - started);
    }
  }

  #learnIfDue(step: number, { states }: FleetScores): void {
    const situation = { step, states, services: this.#fleet.services, knowledge: this.#knowledge };
    this.#tellWaiting(situation);
    // What was learned and isn't in use yet would be learned again.
    if (this.#learner.running || this.#next !== undefined || !this.#plan.isTime(situation)) return;
    void this.#learn(situation);
  }

  /** Says who can't be scored yet and for how long, whenever their number changes. */
  #tellWaiting(situation: LearningSituation): void {
    const { keys, secondsLeft } = this.#plan.waiting(situation);
    this.metrics.learningLeft.set(secondsLeft);
    if (keys.length === this.#waiting) return;
    this.#waiting = keys.length;
    const [first] = keys;
    if (first === undefined) return;
    const example = Object.values(serviceName(first)).join('/');
    const fields = { services: keys.length, seconds_left: secondsLeft, for_example: example };
    this.#options.logger.info('services are learning', fields);
  }

  async #learn(situation: LearningSituation): Promise<void> {
    const { logger } = this.#options;
    const started = Date.now();
    for (const phase of LEARNING_PHASES) this.metrics.trainingProgress.set({ phase }, 0);
    try {
      await this.#learner.run();
      await this.#openKnowledge();
      this.#plan.succeeded(situation);
      this.#conditions.recovered('learning', 'learning succeeds again');
      logger.info('learned', { seconds: (Date.now() - started) / 1000 });
    } catch (error) {
      this.#plan.failed(situation);
      this.metrics.trainingFailures.inc();
      this.#conditions.failing('learning', 'learning failed, tried again later', error);
    }
    this.metrics.trainingDuration.set((Date.now() - started) / 1000);
  }
}
