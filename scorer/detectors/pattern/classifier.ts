import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { layoutSize } from '../../network/parameters.ts';
import { openGraph } from '../../network/session.ts';
import { decodeWeights, parseLearned } from '../learned-file.ts';
import { patternInference, patternLayout } from './network.ts';
import { normalise, PATTERN_LENGTH } from './shapes.ts';

const learnedSchema = z.strictObject({
  patterns: z.array(z.string()).min(1),
  /** By `encodeWeights`. */
  weights: z.string(),
});

export interface PatternFound {
  readonly pattern: string;
  /** 0..1 */
  readonly probability: number;
}

/** Names the shape of anomalies in series; all series of a cycle in one run. */
export class PatternClassifier {
  readonly patterns: readonly string[];
  readonly #session: InferenceSession;

  private constructor(patterns: readonly string[], session: InferenceSession) {
    this.patterns = patterns;
    this.#session = session;
  }

  /** @throws LearnedFileError */
  static async open(bytes: Uint8Array): Promise<PatternClassifier> {
    const { patterns, weights } = parseLearned('pattern', bytes, learnedSchema);
    const values = decodeWeights(weights, layoutSize(patternLayout(patterns.length)));
    const graph = patternInference(patterns.length, values);
    return new PatternClassifier(patterns, await openGraph(graph, 'pattern'));
  }

  /** @param series each in order of time, of any length, the anomaly included */
  async classify(series: readonly ArrayLike<number>[]): Promise<PatternFound[]> {
    if (series.length === 0) return [];
    const x = new Float32Array(series.length * PATTERN_LENGTH);
    for (const [index, values] of series.entries()) x.set(normalise(values), index * PATTERN_LENGTH);
    const result = await this.#session.run({ x: new Tensor('float32', x, [series.length, 1, PATTERN_LENGTH]) });
    const probabilities = result['probability']!.data as Float32Array;
    const classes = this.patterns.length;
    return series.map((_, index) => {
      const own = probabilities.subarray(index * classes, (index + 1) * classes);
      const best = own.reduce((at, value, place) => (value > own[at]! ? place : at), 0);
      return { pattern: this.patterns[best]!, probability: own[best]! };
    });
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
