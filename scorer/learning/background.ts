import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { DetectorsInUse } from './detectors/detectors-in-use.ts';
import type { FeatureSet } from '../features/features.ts';
import type { KnowledgeInUse } from './knowledge-in-use.ts';
import { detectorsDue } from './detectors/learn-detectors.ts';
import { LEARNING_PHASES } from './progress.ts';
import { TrainProcess } from './train-process.ts';
import { LearningPlan, type LearningSituation } from './plan.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { displayName, serviceName } from '../identity/service-key.ts';

export interface BackgroundLearningOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  /** Command line that runs `lorikeet-scorer train` with this configuration. */
  readonly command: readonly [string, ...string[]];
  readonly knowledge: KnowledgeInUse;
  readonly detectors: DetectorsInUse;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** Learns in the background when a service is ready for its first profile or a renewal is due; logs who is waiting. */
export class BackgroundLearning {
  readonly #options: BackgroundLearningOptions;
  readonly #conditions: ConditionLog;
  readonly #process: TrainProcess;
  readonly #plan: LearningPlan;
  #waiting = 0;
  #learning: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: BackgroundLearningOptions) {
    const { config, set, command, logger, metrics } = options;
    this.#options = options;
    this.#conditions = new ConditionLog(logger);
    this.#process = new TrainProcess({
      command,
      given: { config, set },
      logger,
      onProgress: ({ phase, share }) => metrics.trainingProgress.set({ phase }, share),
    });
    this.#plan = new LearningPlan(config);
  }

  /** Starts learning if it is due after a cycle. */
  consider(found: Omit<LearningSituation, 'knowledge'>): void {
    const { knowledge } = this.#options;
    const situation = { ...found, knowledge: knowledge.current };
    this.#reportWaiting(situation);
    // With a pending result, the same services would be learned again.
    if (this.#stopped || this.#process.running || knowledge.hasPending) return;
    if (this.#plan.isTime(situation) || this.#areDetectorsDue(situation)) this.#learning = this.#learn(situation);
  }

  /** Detectors learn as soon as the fleet's profiles have been learned, and are retried like them. */
  #areDetectorsDue({ step, knowledge: { profiles } }: LearningSituation): boolean {
    const { config } = this.#options;
    return (
      profiles !== undefined && this.#plan.mayRetry(step) && detectorsDue(config, step * config.interval).length > 0
    );
  }

  /** Stops a running training process. From then on nothing is learned, opened or reported. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#process.stop();
    await this.#learning;
  }

  /** Logs which services can't be scored yet, and for how long, when their number changes. */
  #reportWaiting(situation: LearningSituation): void {
    const { logger, metrics } = this.#options;
    const { keys, secondsLeft } = this.#plan.waiting(situation);
    metrics.learningLeft.set(secondsLeft);
    if (keys.length === this.#waiting) return;
    this.#waiting = keys.length;
    const [first] = keys;
    if (first === undefined) return;
    const example = displayName(serviceName(first));
    logger.info('services are learning', { services: keys.length, seconds_left: secondsLeft, for_example: example });
  }

  async #learn(situation: LearningSituation): Promise<void> {
    const { knowledge, logger, metrics } = this.#options;
    const started = Date.now();
    for (const phase of LEARNING_PHASES) metrics.trainingProgress.set({ phase }, 0);
    try {
      await this.#process.run();
      if (this.#stopped) return;
      await knowledge.open();
      await this.#options.detectors.open();
      this.#plan.succeeded(situation);
      this.#conditions.recovered('learning', 'learning works again');
      logger.info('learned', { seconds: (Date.now() - started) / 1000 });
    } catch (error) {
      if (this.#stopped) return;
      this.#plan.failed(situation);
      metrics.trainingFailures.inc();
      this.#conditions.failing('learning', 'learning failed, retrying later', error);
    }
    metrics.trainingDuration.set((Date.now() - started) / 1000);
  }
}
