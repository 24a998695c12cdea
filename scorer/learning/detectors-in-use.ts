import { readFileSync } from 'node:fs';
import type { Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import { configuredDetectors } from '../detectors/all.ts';
import type { Detector, DetectorInput, SubjectKind } from '../detectors/detector.ts';
import { InstanceOutlier, type VersionVerdict } from '../detectors/instance-outlier/instance-outlier.ts';
import { LearnedFileError } from '../detectors/learned-file.ts';
import { agreement, type DetectorVerdicts, worstByService } from '../detectors/verdicts.ts';
import type { FeatureSet } from '../features/features.ts';
import type { ScorerMetrics } from '../metrics.ts';
import { modelPaths } from '../paths.ts';

export interface DetectorsInUseOptions {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly logger: Logger;
  readonly metrics: ScorerMetrics;
}

/** The configured detectors beside the autoencoder. What they learn is adopted between two cycles. */
export class DetectorsInUse {
  readonly #options: DetectorsInUseOptions;
  #current: readonly Detector[] = [];
  #next: readonly Detector[] | undefined;

  constructor(options: DetectorsInUseOptions) {
    this.#options = options;
  }

  /** Steps before the current one that the detectors look back on. */
  get reach(): number {
    return Math.max(0, ...this.#configured().map(({ descriptor, settings }) => descriptor.reach(settings)));
  }

  /** Whether any detector reads features of such subjects. */
  reads(kind: SubjectKind): boolean {
    const { set } = this.#options;
    return this.#configured().some(({ descriptor, settings }) => descriptor.reads(settings, set)[kind] !== undefined);
  }

  /** Opens what was saved, for use from the next `adopt` on. One without a usable file has no verdicts. */
  async open(): Promise<void> {
    const opened: Detector[] = [];
    for (const { descriptor, settings } of this.#configured()) {
      const detector = await this.#tryOpen(descriptor.name, (bytes) =>
        descriptor.open(bytes, settings, this.#options.set),
      );
      if (detector !== undefined) opened.push(detector);
    }
    await closeAll(this.#next ?? []);
    this.#next = opened;
  }

  /** Switches to what was opened last. */
  async adopt(): Promise<void> {
    if (this.#next === undefined) return;
    const outdated = this.#current;
    this.#current = this.#next;
    this.#next = undefined;
    await closeAll(outdated);
  }

  /** The verdicts of each detector at `step`. */
  async score(input: DetectorInput, step: number): Promise<DetectorVerdicts[]> {
    const found: DetectorVerdicts[] = [];
    for (const detector of this.#current) {
      const started = performance.now();
      found.push({ detector: detector.name, verdicts: await detector.score(input, step) });
      this.#options.metrics.detectorDuration.observe({ detector: detector.name }, (performance.now() - started) / 1000);
    }
    return found;
  }

  /** The verdicts on versions, where instances are compared and versions are known. */
  versions(input: DetectorInput, step: number): VersionVerdict[] {
    return this.#current.flatMap((detector) =>
      detector instanceof InstanceOutlier ? detector.scoreVersions(input, step) : [],
    );
  }

  async close(): Promise<void> {
    await closeAll([...(this.#next ?? []), ...this.#current]);
  }

  #configured() {
    return configuredDetectors(this.#options.config.detectors);
  }

  async #tryOpen(name: string, open: (bytes: Uint8Array) => Promise<Detector>): Promise<Detector | undefined> {
    const { config, logger } = this.#options;
    const path = modelPaths(config).detector(name);
    try {
      const detector = await open(readFileSync(path));
      logger.info('detector opened', { detector: name, path });
      return detector;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        logger.info('detector has not learned yet', { detector: name });
      } else if (error instanceof LearnedFileError || (error as NodeJS.ErrnoException).code !== undefined) {
        logger.warn('what a detector learned is not used', { detector: name, path, reason: (error as Error).message });
      } else throw error;
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

async function closeAll(detectors: readonly Detector[]): Promise<void> {
  for (const detector of detectors) await detector.close();
}
