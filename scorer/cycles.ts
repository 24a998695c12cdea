import type { Logger } from '../daemon/logger.ts';
import type { AnnouncementWatch } from './announced/watch.ts';
import type { ScorerConfig } from './config.ts';
import { CycleHealth } from './cycle/cycle-health.ts';
import type { Detection } from './cycle/detection.ts';
import type { FeatureSource } from './cycle/feature-source.ts';
import type { KeptExperience } from './cycle/kept-experience.ts';
import type { KeptState } from './cycle/kept-state.ts';
import type { RestingMemory } from './cycle/memory.ts';
import { observeScores } from './cycle/observe-scores.ts';
import { Schedule } from './cycle/schedule.ts';
import type { TraceFeed } from './cycle/trace-feed.ts';
import type { ProblemWatch } from './doctor/watch.ts';
import type { Fleet } from './fleet/fleet.ts';
import { serviceName } from './identity/service-key.ts';
import { owns } from './identity/shard.ts';
import type { BackgroundLearning } from './learning/background.ts';
import type { DetectorsInUse } from './learning/detectors/detectors-in-use.ts';
import type { KnowledgeInUse } from './learning/knowledge-in-use.ts';
import type { ScorerMetrics } from './metrics.ts';
import { cycleSamples } from './output/cycle-samples.ts';
import type { Publisher } from './output/publisher.ts';
import type { ShardRanking } from './scoring/ranking/shard-ranking.ts';
import type { FleetScores } from './scoring/score-fleet.ts';

/** The parts of a scorer that a cycle uses. */
export interface CyclesOptions {
  readonly config: ScorerConfig;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
  readonly memory?: RestingMemory | undefined;
  readonly source: FeatureSource;
  readonly fleet: Fleet;
  readonly knowledge: KnowledgeInUse;
  readonly detectors: DetectorsInUse;
  readonly detection: Detection;
  readonly announcements: AnnouncementWatch;
  readonly experience: KeptExperience;
  readonly traceFeed: TraceFeed;
  readonly kept: KeptState;
  readonly shards: ShardRanking | undefined;
  readonly publisher: Publisher;
  readonly learning: BackgroundLearning;
  readonly watch: ProblemWatch;
}

/** Time for a cycle to end before a successor takes over, milliseconds. */
const PAUSE_MS = 5000;
/** The same before the cycles end for good: then the cycle fails. */
const END_MS = 1500;
/** Services and edges without a value for this many steps are forgotten. */
const FORGET_AFTER_STEPS = 60;

/** A scorer's cycles: each fetches, scores and publishes a step. */
export class Cycles {
  readonly #options: CyclesOptions;
  readonly #health: CycleHealth;
  readonly #schedule: Schedule;
  #last: { readonly step: number; readonly scores: FleetScores['scores'] } = { step: 0, scores: [] };
  #isGivingUp = false;

  constructor(options: CyclesOptions) {
    const { config, logger, metrics, source } = options;
    this.#options = options;
    this.#health = new CycleHealth(logger, config.prometheus.url);
    this.#schedule = new Schedule({
      intervalMs: config.interval,
      delayMs: () => source.delayMs,
      cycle: (step) => this.#runIfTime(step),
      onSkip: (count) => {
        metrics.cyclesSkipped.inc(count);
        logger.warn('cycles skipped', { count });
      },
    });
  }

  /** Step and scores of the last complete cycle. */
  get last(): { readonly step: number; readonly scores: FleetScores['scores'] } {
    return this.#last;
  }

  /** `true`, or the reason why there are no current scores, or why they would be wrong. */
  get ready(): true | string {
    return this.#health.ready === true ? this.#options.watch.ready : this.#health.ready;
  }

  start(): void {
    this.#options.watch.consider();
    this.#schedule.start();
  }

  /** Ends the cycles until `start`, and saves what they remember, for a successor to open. */
  async pause(): Promise<void> {
    await this.#schedule.stop(PAUSE_MS);
    await this.#options.kept.save();
  }

  /** Ends cycles and learning for good. A cycle that waits for Prometheus must not hold up what comes after it. */
  async end(): Promise<void> {
    const learning = this.#options.learning.stop();
    await this.#schedule.stop(END_MS);
    await this.giveUp();
    await this.#schedule.stop();
    await learning;
  }

  /** Fails what waits for Prometheus or Alertmanager, and whatever would ask them again. */
  async giveUp(): Promise<void> {
    const { source, announcements } = this.#options;
    this.#isGivingUp = true;
    await Promise.all([source.close(), announcements.close()]);
  }

  /** Fetches, scores and publishes `step` (intervals since the epoch). Counts and logs failures; never rejects. */
  async run(step: number): Promise<void> {
    const { config, metrics, publisher } = this.#options;
    const timestampMs = step * config.interval;
    try {
      await this.#complete(step, timestampMs);
      this.#health.completed();
      metrics.lastCycle.set(timestampMs / 1000);
    } catch (error) {
      if (this.#isGivingUp) return;
      metrics.cyclesFailed.inc();
      if (this.#health.failed(error)) publisher.publish([], timestampMs);
    }
  }

  /** Frees the last cycle's memory once its samples were accepted or dropped, unless a later cycle published since. */
  async rest(): Promise<void> {
    const { publisher, memory } = this.#options;
    if (await publisher.delivered()) await memory?.release();
  }

  async #runIfTime(step: number): Promise<void> {
    const { config, metrics, source, watch } = this.#options;
    if (await source.isAhead(step * config.interval)) return metrics.cyclesSkipped.inc();
    await this.run(step);
    watch.consider();
    void this.rest();
  }

  async #complete(step: number, timestampMs: number): Promise<void> {
    const { config, metrics, source, fleet, knowledge, detectors, announcements, shards } = this.#options;
    await knowledge.adopt();
    await detectors.adopt();
    await metrics.timed('query', () => source.fetchUntil(step));
    await announcements.update(timestampMs);
    fleet.forgetBefore(step - FORGET_AFTER_STEPS);
    const detected = await this.#options.detection.run(step, knowledge.current, {
      traces: this.#options.traceFeed.next(),
      announced: announcements.current,
      experience: this.#options.experience.experience,
      ...(shards !== undefined && {
        assumeIncident: true,
        isCandidate: (key: string) => owns(config.shard, serviceName(key)),
      }),
    });
    const { fleet: result } = detected;
    observeScores(metrics, result, knowledge.current.profiles?.learnedAtMs);
    this.#last = { step, scores: result.scores };
    const times = { timestampMs, intervalMs: config.interval };
    this.#options.publisher.publish(cycleSamples(detected, times, announcements.current, shards), timestampMs);
    this.#options.learning.consider({ step, states: result.states, services: fleet.services });
    await this.#options.kept.saveIfDue(step);
  }
}
