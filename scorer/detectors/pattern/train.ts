import { z } from 'zod';
import { readConfigFile } from '../../../daemon/config-file.ts';
import { Random } from '../../numeric/random.ts';
import type { BatchSource } from '../../training/batch.ts';
import { trainNetwork, type TrainingProgress } from '../../training/train-network.ts';
import { encodeWeights, renderLearned } from '../learned-file.ts';
import { patternNetwork } from './network.ts';
import { augment, drawShape, PATTERN_LENGTH, type Shape, SHAPES } from './shapes.ts';

/** How one pattern is drawn: a series of any length, level at its beginning, without noise. */
export interface PatternSource {
  readonly name: string;
  readonly draw: (random: Random) => ArrayLike<number>;
}

/** The shapes of the paper. */
export const SHIPPED_PATTERNS: readonly PatternSource[] = SHAPES.map((shape: Shape) => ({
  name: shape,
  draw: (random) => drawShape(shape, random),
}));

const examplesSchema = z.strictObject({
  patterns: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9_]*$/, 'expected lower-case letters, digits and underscores'),
        examples: z.array(z.array(z.number()).min(16, 'expected 16 values or more')).min(1, 'expected an example'),
      }),
    )
    .min(1, 'expected a pattern'),
});

/**
 * Patterns of a user's own: a YAML file with `patterns: [{name, examples: [[...]]}]`, each example a series in order of time
 * that is level at its beginning.
 *
 * @throws ConfigError naming file, path and expectation
 */
export function readPatterns(path: string): PatternSource[] {
  return readConfigFile(path, examplesSchema).patterns.map(({ name, examples }) => ({
    name,
    draw: (random) => examples[Math.floor(random.uniform() * examples.length)]!,
  }));
}

export interface PatternTraining {
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Training examples of each pattern, drawn anew for each run. */
  readonly examples: number;
  /** Upper bound of the noise's standard deviation in training, in amplitudes. */
  readonly noise: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** The paper's figures; the number of examples is ours. */
export const PATTERN_TRAINING: Omit<PatternTraining, 'seed'> = {
  epochs: 200,
  batch: 1000,
  learningRate: 0.001,
  examples: 1000,
  noise: 0.1,
};

/** Series with their classes, shuffled. */
export interface LabelledSeries {
  /** [count, 64] */
  readonly series: Float32Array;
  readonly classes: Uint16Array;
}

/** Draws `examples` of each pattern. */
export function drawExamples(
  patterns: readonly PatternSource[],
  examples: number,
  noise: number,
  random: Random,
): LabelledSeries {
  const count = patterns.length * examples;
  const series = new Float32Array(count * PATTERN_LENGTH);
  const classes = Uint16Array.from({ length: count }, (_, index) => index % patterns.length);
  for (const [index, of] of classes.entries()) {
    series.set(augment(patterns[of]!.draw(random), random, noise), index * PATTERN_LENGTH);
  }
  return { series, classes };
}

/** Trains a classifier and returns it as the bytes of its file. @throws TrainingError */
export async function trainPatterns(patterns: readonly PatternSource[], options: PatternTraining): Promise<Uint8Array> {
  const drawn = drawExamples(patterns, options.examples, options.noise, new Random(options.seed));
  const { values } = await trainNetwork(patternNetwork(patterns.length), examplesSource(drawn), {
    epochs: options.epochs,
    batch: options.batch,
    learningRate: options.learningRate,
    seed: options.seed,
    ...(options.signal !== undefined && { signal: options.signal }),
    ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
  });
  return renderLearned('pattern', {
    patterns: patterns.map(({ name }) => name),
    weights: encodeWeights(values),
  });
}

function examplesSource({ series, classes }: LabelledSeries): BatchSource {
  return {
    count: classes.length,
    fill(indices, buffers) {
      const [x, label] = [buffers.floats('x'), buffers.integers('class')];
      for (const [place, index] of indices.entries()) {
        x.set(series.subarray(index * PATTERN_LENGTH, (index + 1) * PATTERN_LENGTH), place * PATTERN_LENGTH);
        label[place] = BigInt(classes[index]!);
      }
    },
  };
}
