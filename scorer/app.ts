import { createHttpClient } from '../daemon/http-client.ts';
import { createWebApp, listen } from '../daemon/http.ts';
import { StopStack } from '../daemon/lifecycle.ts';
import { ConditionLog, type Logger } from '../daemon/logger.ts';
import type { WebConfigFile } from '../daemon/web-config-file.ts';
import type { ScorerConfig } from './config.ts';
import { Feed } from './feed.ts';
import type { FeatureSet } from './features.ts';
import { Fleet } from './fleet.ts';
import { Learner } from './learner.ts';
import { usableProfiles } from './learning.ts';
import { ScorerMetrics } from './metrics.ts';
import { type FleetModel, modelPaths, openModel } from './models.ts';
import type { Image } from './png.ts';
import { renderScores, scoreSamples, SeriesLedger } from './output.ts';
import type { Profiles } from './profiles.ts';
import { PrometheusClient } from './prometheus.ts';
import type { Sample } from './remote-write/sample.ts';
import { RemoteWriter } from './remote-write/writer.ts';
import { Schedule } from './schedule.ts';
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
/** Failed learning is tried again after 2, 4, 8 cycles and so on, at most this many. */
const MOST_CYCLES_TO_LEARNING = 64;
/** A service without a value for this long is forgotten. */
const FORGET_AFTER_STEPS = 60;

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
  #model: FleetModel | undefined;
  #profiles: Profiles | undefined;
  #board: readonly Sample[] = [];
  #last: { readonly step: number; readonly scores: FleetScores['scores'] } = { step: 0, scores: [] };
  #failedCycles = 0;
  #ready: true | string = 'no cycle has been completed yet';
  #learnedAt = 0;
  #failedLearning = 0;
  /** Step before which learning isn't tried again. */
  #learnNotBefore = 0;
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
    this.#learner = new Learner({ command: options.learnCommand, logger });
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
      cycle: (step) => this.cycle(step),
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
    await this.#openModel();
    this.#stops.onStop('model', async () => await this.#model?.autoencoder.close());
    this.#loadProfiles();
  }

  async stop(): Promise<void> {
    await this.#stops.stop();
  }

  /** Fetches, scores and publishes `step`, a whole number of intervals since the epoch. Failures are counted and logged. */
  async cycle(step: number): Promise<void> {
    const { config, set } = this.#options;
    const timestampMs = step * config.interval;
    try {
      await this.#timed('query', () => this.#feed.fetchUntil(step));
      this.#fleet.forgetBefore(step - FORGET_AFTER_STEPS);
      const shape = { features: set.features, steps: config.steps };
      const result = await scoreFleet(shape, set, this.#fleet, step, this.#profiles, this.#model?.autoencoder, {
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
    } catch (error) {
      this.metrics.cyclesFailed.inc();
      this.#conditions.failing('cycle', 'cycle failed', error);
      this.#failedCycles++;
      if (this.#failedCycles === FAILED_CYCLES_UNTIL_STALE) this.#publish([], timestampMs);
    }
  }

  /** Resolves when each sample of the last cycle was accepted or given up. */
  async delivered(): Promise<void> {
    await this.#delivering;
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

  /** The window of a service in the last cycle, drawn when it is asked for. */
  async #picture(name: ServiceName): Promise<Image | string> {
    const key = serviceKey(name);
    const history = this.#fleet.services.get(key);
    const profile = this.#profiles?.services.get(key);
    if (history === undefined) return 'No such service in this scorer.';
    if (profile === undefined || this.#model === undefined) return 'The service has not been learned yet.';
    const shape = { features: this.#options.set.features, steps: this.#options.config.steps };
    const window = allocateWindows(shape, 1);
    encodeWindow(shape, history, this.#last.step, profile.scalings, window, 0);
    return pictureOf(shape, window.data, await this.#model.autoencoder.reconstruct(window.data, window.mask, 1));
  }

  async #openModel(): Promise<void> {
    const { config, set, logger } = this.#options;
    const paths = modelPaths(config);
    const { model, rejected } = await openModel([paths.fleet, paths.base], set, config.steps);
    for (const { path, reason, damaged } of rejected) {
      logger.warn('model not used', { path, reason });
      if (damaged) this.metrics.modelDamaged.set(1);
    }
    const before = this.#model;
    this.#model = model;
    await before?.autoencoder.close();
    if (model === undefined) logger.info('no model fits the features yet; one will be trained from history');
    else logger.info('model opened', { path: model.path });
  }

  #loadProfiles(): void {
    const { config, set, logger } = this.#options;
    if (this.#model === undefined) return;
    this.#profiles = usableProfiles(modelPaths(config).profiles, this.#model, set, config, (reason) => {
      logger.warn('profiles not used, services are learned again', { reason });
      this.metrics.modelDamaged.set(1);
    });
    this.#learnedAt = this.#profiles?.learnedAtMs ?? 0;
    if (this.#profiles !== undefined) logger.info('profiles loaded', { services: this.#profiles.services.size });
  }

  #samplesOf(result: FleetScores, timestampMs: number): Sample[] {
    if (this.#shards === undefined) return scoreSamples(result, timestampMs);
    const causes = this.#shards.rank(result, timestampMs);
    return [...scoreSamples({ ...result, causes }, timestampMs), ...this.#shards.samples(result, timestampMs)];
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
    if (this.#learnedAt > 0) this.metrics.modelAge.set((Date.now() - this.#learnedAt) / 1000);
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
    const { config, logger } = this.#options;
    if (this.#learner.running || step < this.#learnNotBefore) return;
    const least = Math.ceil(config.learning.minimum / config.interval);
    const waiting = [...states].filter(([, state]) => state === 'learning').map(([key]) => key);
    const left = (key: string) => (this.#fleet.services.get(key)?.oldest ?? step) + least - 1 - step;
    const ripe = waiting.filter((key) => left(key) <= 0);
    const overdue = this.#learnedAt > 0 && Date.now() - this.#learnedAt > config.learning.every;
    if (waiting.length > 0 && ripe.length === 0 && !overdue) {
      const soonest = Math.min(...waiting.map(left));
      const example = waiting[0] === undefined ? '' : Object.values(serviceName(waiting[0])).join('/');
      const seconds = Math.ceil((soonest * config.interval) / 1000);
      logger.debug('learning', { services: waiting.length, seconds_left: seconds, for_example: example });
    }
    if (ripe.length > 0 || overdue) void this.#learn(overdue, step);
  }

  async #learn(all: boolean, step: number): Promise<void> {
    const { logger } = this.#options;
    const started = Date.now();
    try {
      await this.#learner.run(all ? ['--all'] : []);
      if (this.#model === undefined || all) await this.#openModel();
      this.#loadProfiles();
      this.#conditions.recovered('learning', 'learning succeeds again');
      logger.info('learned', { seconds: (Date.now() - started) / 1000 });
      this.#failedLearning = 0;
    } catch (error) {
      this.metrics.trainingFailures.inc();
      // Each attempt fetches a day of history: a disk that stays full must not make that every cycle's work.
      this.#learnNotBefore = step + Math.min(MOST_CYCLES_TO_LEARNING, 2 ** ++this.#failedLearning);
      this.#conditions.failing('learning', 'learning failed, tried again later', error);
    }
    this.metrics.trainingDuration.set((Date.now() - started) / 1000);
  }
}
