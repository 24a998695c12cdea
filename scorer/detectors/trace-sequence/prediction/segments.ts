import type { BatchBuffers, BatchSource } from '../../../training/batch.ts';
import type { Random } from '../../../numeric/random.ts';
import type { EventSequence } from '../events/events.ts';
import { END, type EventTokens, OTHER, PADDING, START, type Vocabulary, type WeightedSequence } from './vocabulary.ts';

/** A stretch of a trace of the network's length: token `i` is read, token `i + 1` predicted. */
export interface Segment {
  readonly tokens: readonly EventTokens[];
  /** Place of its first token among those of the trace. */
  readonly from: number;
  /** Tokens at its start that only give context, as the segment before has predicted what follows them. */
  readonly context: number;
}

export interface SegmentLengths {
  /** Tokens of a segment. */
  readonly segment: number;
  /** Tokens that a segment has in common with the one before. */
  readonly overlap: number;
}

/** Share of the tokens that training hides, so that the network gets over one it doesn't know. */
const HIDDEN_SHARE = 0.02;
/** Examples of an epoch: more of them are repetitions. */
const MAX_EXAMPLES = 4096;

const special = (token: number): EventTokens => ({ input: token, plain: token, failed: PADDING });
const FIRST = special(START);
const LAST = special(END);

/** All tokens of a trace, from START to END. */
export function traceTokens(vocabulary: Vocabulary, { events }: EventSequence): EventTokens[] {
  return [FIRST, ...events.map((event) => vocabulary.tokensOf(event)), LAST];
}

/** Cuts the tokens of a trace; the segments predict each but the first exactly once. */
export function segmentsOf(tokens: readonly EventTokens[], { segment, overlap }: SegmentLengths): Segment[] {
  const segments: Segment[] = [];
  for (let from = 0; from < tokens.length - 1;) {
    const context = from === 0 ? 0 : overlap;
    segments.push({ tokens: tokens.slice(from, from + segment + 1), from, context });
    if (from + segment >= tokens.length - 1) break;
    from += segment - overlap;
  }
  return segments;
}

/** Segments that differ, with the weight of the traces that have them. */
export function differentSegments(
  vocabulary: Vocabulary,
  sequences: readonly WeightedSequence[],
  lengths: SegmentLengths,
): { readonly segment: Segment; weight: number }[] {
  const found = new Map<string, { readonly segment: Segment; weight: number }>();
  for (const { sequence, weight } of sequences) {
    for (const segment of segmentsOf(traceTokens(vocabulary, sequence), lengths)) {
      const key = `${segment.context}:${segment.tokens.map(({ input }) => input).join()}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { segment, weight });
      else known.weight += weight;
    }
  }
  return [...found.values()];
}

/** Segments as examples of the network. */
export class SegmentSource implements BatchSource {
  readonly #examples: readonly { readonly segment: Segment; readonly weight: number }[];
  readonly #length: number;

  private constructor(examples: readonly { segment: Segment; weight: number }[], length: number) {
    this.#examples = examples;
    this.#length = length;
  }

  /** Each segment in proportion to its weight, and once at least. */
  static forTraining(segments: readonly { segment: Segment; weight: number }[], { segment: length }: SegmentLengths) {
    const total = segments.reduce((sum, { weight }) => sum + weight, 0);
    const share = Math.min(1, MAX_EXAMPLES / total);
    const examples = segments.flatMap(({ segment, weight }) =>
      Array.from({ length: Math.max(1, Math.round(weight * share)) }, () => ({ segment, weight: 1 })),
    );
    return new SegmentSource(examples, length);
  }

  /** Each segment once, with its weight. */
  static forValidation(segments: readonly { segment: Segment; weight: number }[], { segment: length }: SegmentLengths) {
    return new SegmentSource(segments, length);
  }

  get count(): number {
    return this.#examples.length;
  }

  fill(indices: Uint32Array, buffers: BatchBuffers, random: Random | undefined): void {
    const [x, next, mask] = [buffers.integers('x'), buffers.integers('next'), buffers.floats('mask')];
    for (const [row, index] of indices.entries()) {
      const { segment, weight } = this.#examples[index]!;
      const { tokens, context } = segment;
      for (let place = 0; place < this.#length; place++) {
        const at = row * this.#length + place;
        const predicted = tokens[place + 1];
        x[at] = BigInt(hide(predicted === undefined ? PADDING : tokens[place]!.input, random));
        next[at] = BigInt(predicted?.input ?? PADDING);
        mask[at] = predicted === undefined || place < context ? 0 : weight;
      }
    }
  }
}

function hide(token: number, random: Random | undefined): number {
  const hidden = random !== undefined && token > OTHER && random.uniform() < HIDDEN_SHARE;
  return hidden ? OTHER : token;
}
