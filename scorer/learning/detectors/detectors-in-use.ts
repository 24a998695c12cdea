import { LimitError, readStateFile } from '../../../daemon/files/read-file.ts';
import { setAside } from '../../../daemon/files/set-aside.ts';
import { describeError, type Logger } from '../../../daemon/logger.ts';
import type { ScorerConfig } from '../../config.ts';
import { configuredDetectors } from '../../detectors/all.ts';
import type { Detector, DetectorInput, SubjectKind } from '../../detectors/detector.ts';
import { InstanceOutlier, type VersionVerdict } from '../../detectors/instance-outlier/instance-outlier.ts';
import { PatternClassifier } from '../../detectors/pattern/classifier.ts';
import { PATTERN_LENGTH } from '../../detectors/pattern/shapes.ts';
import { TraceSequence, type UnexpectedEventRow } from '../../detectors/trace-sequence/trace-sequence.ts';
import { agreement, type DetectorVerdicts, worstByService } from '../../detectors/verdicts.ts';
import type { FeatureSet } from '../../features/features.ts';
import type { ScorerMetrics } from '../../metrics.ts';
import { modelPaths } from '../../paths.ts';
import { Successor } from '../successor.ts';
import { detectorTimesProblem } from './detector-times.ts';
import { patternFile } from './pattern-file.ts';

export interface DetectorsInUseOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

interface Opened {
  readonly detectors: readonly Detector[];
  readonly classifier: PatternClassifier | undefined;
}

/** The configured detectors beside the autoencoder. What they learn is adopted between two cycles. */
export class DetectorsInUse {
  readonly #options: DetectorsInUseOptions;
  readonly #opened = new Successor<Opened>({ detectors: [], classifier: undefined }, close);

  constructor(options: DetectorsInUseOptions) {
    this.#options = options;
  }

  /** Steps before the current one that the detectors look back on. */
  get reach(): number {
    const patterns = this.#options.config.detectors.pattern === undefined ? 0 : PATTERN_LENGTH;
    return Math.max(patterns, ...this.#configured().map(({ descriptor, settings }) => descriptor.reach(settings)));
  }

  /** Whether any detector reads features of such subjects. */
  reads(kind: SubjectKind): boolean {
    const { set } = this.#options;
    return this.#configured().some(({ descriptor, settings }) => descriptor.reads(settings, set)[kind] !== undefined);
  }

  /** Opens what was saved, for use from the next `adopt` on. One without a usable file has no verdicts. */
  async open(): Promise<void> {
    const opened: Detector[] = [];
    this.#checkTimes();
    for (const { descriptor, settings } of this.#configured()) {
      const detector = await this.#tryOpen(descriptor.name, (bytes) =>
        descriptor.open(bytes, settings, this.#options.set),
      );
      if (detector !== undefined) opened.push(detector);
    }
    await this.#opened.prepare({ detectors: opened, classifier: await this.#openClassifier() });
  }

  /** What names the shapes of anomalies, if that is configured. */
  get classifier(): PatternClassifier | undefined {
    return this.#opened.current.classifier;
  }

  /** Switches to what was opened last. */
  async adopt(): Promise<void> {
    await this.#opened.adopt();
  }

  /** The verdicts of each detector at `step`. */
  async score(input: DetectorInput, step: number): Promise<DetectorVerdicts[]> {
    const found: DetectorVerdicts[] = [];
    for (const detector of this.#opened.current.detectors) {
      const started = performance.now();
      found.push({ detector: detector.name, verdicts: await detector.score(input, step) });
      this.#options.metrics.detectorDuration.observe({ detector: detector.name }, (performance.now() - started) / 1000);
    }
    return found;
  }

  /** The verdicts on versions, where instances are compared and versions are known. */
  versions(input: DetectorInput, step: number): VersionVerdict[] {
    return this.#opened.current.detectors.flatMap((detector) =>
      detector instanceof InstanceOutlier ? detector.scoreVersions(input, step) : [],
    );
  }

  /** What was unexpected in the traces of the step that was scored last. */
  unexpectedEvents(step: number): UnexpectedEventRow[] {
    return this.#opened.current.detectors.flatMap((detector) =>
      detector instanceof TraceSequence ? detector.explain(step) : [],
    );
  }

  async close(): Promise<void> {
    await this.#opened.close();
  }

  async #openClassifier(): Promise<PatternClassifier | undefined> {
    const { config, logger } = this.#options;
    if (config.detectors.pattern === undefined) return undefined;
    const path = patternFile(config);
    try {
      const bytes = readStateFile(path);
      if (bytes === undefined) throw new Error('no such file');
      return await PatternClassifier.open(bytes);
    } catch (error) {
      if (error instanceof LimitError) throw error;
      const aside = path.startsWith(modelPaths(config).directory) ? setAside(path) : undefined;
      logger.warn('classifier of patterns is not used', { path, reason: describeError(error), set_aside: aside });
      return undefined;
    }
  }

  #checkTimes(): void {
    const { config, logger } = this.#options;
    const reason = this.#configured().length === 0 ? undefined : detectorTimesProblem(config);
    if (reason === undefined) return;
    const aside = setAside(modelPaths(config).detectors);
    logger.warn('times of detectors not usable, all learn again', { reason, set_aside: aside });
  }

  #configured() {
    return configuredDetectors(this.#options.config.detectors);
  }

  async #tryOpen(name: string, open: (bytes: Uint8Array) => Promise<Detector>): Promise<Detector | undefined> {
    const { config, logger } = this.#options;
    const path = modelPaths(config).detector(name);
    try {
      const bytes = readStateFile(path);
      if (bytes === undefined) {
        logger.info('detector has not learned yet', { detector: name });
        return undefined;
      }
      const detector = await open(bytes);
      logger.info('detector opened', { detector: name, path });
      return detector;
    } catch (error) {
      if (error instanceof LimitError) throw error;
      const fields = { detector: name, path, reason: describeError(error), set_aside: setAside(path) };
      logger.warn('what a detector learned is not used', fields);
      return undefined;
    }
  }
}

/**
 * The scores of `agreement`: of each service, the score that enough of the named detectors reach.
 *
 * @param autoencoder its scores by service
 */
export function agreedScores(
  { of, at_least: atLeast }: NonNullable<ScorerConfig['detectors']['agreement']>,
  autoencoder: ReadonlyMap<string, number>,
  others: readonly DetectorVerdicts[],
): Map<string, number> {
  const scores = of.map((name) => {
    if (name === 'autoencoder') return autoencoder;
    const verdicts = others.find(({ detector }) => detector === name)?.verdicts ?? [];
    return new Map([...worstByService(verdicts)].map(([service, { score }]) => [service, score]));
  });
  return agreement(scores, atLeast);
}

async function close({ detectors, classifier }: Opened): Promise<void> {
  for (const detector of detectors) await detector.close();
  await classifier?.close();
}
