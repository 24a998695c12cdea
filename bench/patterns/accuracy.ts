import { PatternClassifier } from '../../scorer/detectors/pattern/classifier.ts';
import { disturb, drawShape, SHAPES } from '../../scorer/detectors/pattern/shapes.ts';
import { PATTERN_TRAINING, SHIPPED_PATTERNS, trainPatterns } from '../../scorer/detectors/pattern/train.ts';
import { Random } from '../../scorer/numeric/random.ts';

/** Standard deviations of the noise, in heights of the pattern, with the accuracy of the paper. */
export const NOISE = [
  [0, 100],
  [0.05, 80],
  [0.1, 48],
] as const;
/** Patterns drawn of each shape. */
export const DRAWN = 500;

export interface PatternRun {
  readonly seed: number;
  /** The trained classifier. */
  readonly bytes: Uint8Array;
  readonly trainingSeconds: number;
  /** For each noise, 0..1. */
  readonly accuracies: readonly number[];
  /** Mistakes by what they were, such as `gradual taken for incremental`. */
  readonly mistakes: ReadonlyMap<string, number>;
}

/** Trains a classifier and judges it on patterns that it has not seen. */
export async function runPatterns(seed: number): Promise<PatternRun> {
  const started = performance.now();
  const bytes = await trainPatterns(SHIPPED_PATTERNS, { ...PATTERN_TRAINING, seed });
  const trainingSeconds = (performance.now() - started) / 1000;
  const classifier = await PatternClassifier.open(bytes);
  const mistakes = new Map<string, number>();
  const accuracies: number[] = [];
  for (const [noise] of NOISE) {
    const random = new Random(1000 + seed);
    let right = 0;
    for (const shape of SHAPES) {
      const drawn = Array.from({ length: DRAWN }, () => disturb(drawShape(shape, random), random, noise));
      for (const { pattern } of await classifier.classify(drawn)) {
        if (pattern === shape) right++;
        else mistakes.set(`${shape} taken for ${pattern}`, (mistakes.get(`${shape} taken for ${pattern}`) ?? 0) + 1);
      }
    }
    accuracies.push(right / (DRAWN * SHAPES.length));
  }
  await classifier.close();
  return { seed, bytes, trainingSeconds, accuracies, mistakes };
}
