import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { openGraph } from '../../../network/session.ts';
import type { EventSequence } from '../events/events.ts';
import { ASKED, eventInference, type EventNetworkShape } from './network.ts';
import { type Segment, type SegmentLengths, segmentsOf, traceTokens } from './segments.ts';
import { END, PADDING, type Vocabulary } from './vocabulary.ts';

/** An event that the network expects; `undefined` for the trace's end. */
export interface Candidate {
  readonly key: string | undefined;
  /** Failed or not. */
  readonly probability: number;
}

/** What the network expected at one place of a trace. */
export interface Expectation {
  /** Of the event that came, failed or not. */
  readonly probability: number;
  /** How probable a failure of the event was, 0..1. */
  readonly failure: number;
  /** The likeliest events, likeliest first. */
  readonly candidates: readonly Candidate[];
}

/** Tokens that a candidate's place may take beyond the candidates: failed forms of the others, and `other`. */
const SPARE_CANDIDATES = 4;
/** Probabilities in memory at once. */
const MAX_PROBABILITIES = 4_000_000;

/** Runs the trained network over the sequences of a cycle. */
export class Predictor {
  readonly #session: InferenceSession;
  readonly #vocabulary: Vocabulary;
  readonly #lengths: SegmentLengths;
  readonly #candidates: number;
  readonly #batch: number;

  private constructor(session: InferenceSession, vocabulary: Vocabulary, lengths: SegmentLengths, candidates: number) {
    this.#session = session;
    this.#vocabulary = vocabulary;
    this.#lengths = lengths;
    this.#candidates = candidates;
    this.#batch = Math.max(1, Math.floor(MAX_PROBABILITIES / (lengths.segment * vocabulary.size)));
  }

  static async open(
    vocabulary: Vocabulary,
    shape: EventNetworkShape,
    lengths: SegmentLengths,
    weights: Float32Array,
    candidates: number,
  ): Promise<Predictor> {
    const count = Math.min(vocabulary.size, candidates + SPARE_CANDIDATES);
    const session = await openGraph(eventInference(shape, weights, count), 'trace_sequence');
    return new Predictor(session, vocabulary, lengths, count);
  }

  /** For each sequence an expectation for each event and for its end. Equal sequences are run once. */
  async expectations(sequences: readonly EventSequence[]): Promise<(readonly Expectation[])[]> {
    const different = new Map<string, { readonly found: Expectation[]; readonly segments: readonly Segment[] }>();
    const results = sequences.map((sequence) => {
      const tokens = traceTokens(this.#vocabulary, sequence);
      const key = tokens.map(({ input, plain, failed }) => `${input}:${plain}:${failed}`).join();
      let known = different.get(key);
      if (known === undefined) {
        known = { found: [], segments: segmentsOf(tokens, this.#lengths) };
        different.set(key, known);
      }
      return known.found;
    });
    const segments = [...different.values()].flatMap(({ found, segments: of }) =>
      of.map((segment) => ({ segment, found })),
    );
    for (let from = 0; from < segments.length; from += this.#batch) {
      await this.#run(segments.slice(from, from + this.#batch));
    }
    return results;
  }

  close(): Promise<void> {
    return this.#session.release();
  }

  async #run(batch: readonly { readonly segment: Segment; readonly found: Expectation[] }[]): Promise<void> {
    const { segment: length } = this.#lengths;
    const x = new BigInt64Array(batch.length * length);
    const asked = new BigInt64Array(batch.length * length * ASKED);
    for (const [row, { segment }] of batch.entries()) {
      for (let place = 0; place < segment.tokens.length - 1; place++) {
        const at = row * length + place;
        x[at] = BigInt(segment.tokens[place]!.input);
        asked[at * ASKED] = BigInt(segment.tokens[place + 1]!.plain);
        asked[at * ASKED + 1] = BigInt(segment.tokens[place + 1]!.failed);
      }
    }
    const outputs = await this.#session.run({
      x: new Tensor('int64', x, [batch.length, length]),
      asked: new Tensor('int64', asked, [batch.length, length, ASKED]),
    });
    const probability = outputs['probability']!.data as Float32Array;
    const likeliest = outputs['likeliest']!.data as BigInt64Array;
    const likeliestProbability = outputs['likeliest_probability']!.data as Float32Array;
    for (const [row, { segment, found }] of batch.entries()) {
      for (let place = segment.context; place < segment.tokens.length - 1; place++) {
        const at = row * length + place;
        const { plain, failed } = segment.tokens[place + 1]!;
        const [ok, broken] = [plain, failed].map((token, index) =>
          token === PADDING ? 0 : probability[at * ASKED + index]!,
        ) as [number, number];
        const range = [at * this.#candidates, (at + 1) * this.#candidates] as const;
        found[segment.from + place] = {
          probability: ok + broken,
          failure: ok + broken === 0 ? 0 : broken / (ok + broken),
          candidates: this.#candidatesOf(likeliest.subarray(...range), likeliestProbability.subarray(...range)),
        };
      }
    }
  }

  #candidatesOf(tokens: BigInt64Array, probabilities: Float32Array): Candidate[] {
    const byKey = new Map<string | undefined, number>();
    for (const [index, token] of tokens.entries()) {
      const key = this.#vocabulary.representativeOf(Number(token));
      if (key === undefined && Number(token) !== END) continue;
      byKey.set(key, (byKey.get(key) ?? 0) + probabilities[index]!);
    }
    return [...byKey].map(([key, probability]) => ({ key, probability })).sort((a, b) => b.probability - a.probability);
  }
}
