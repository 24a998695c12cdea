import type { EventSequence, TraceEvent } from '../events/events.ts';

/** Tokens that are no events. */
export const PADDING = 0;
export const START = 1;
export const END = 2;
export const OTHER = 3;
const SPECIAL = 4;

/** A failed event is another token. */
const FAILED_MARK = '!';

/** The tokens of one event. */
export interface EventTokens {
  /** For the network to read: a known one. */
  readonly input: number;
  /** The event without and with failure; `PADDING` where it is unknown. */
  readonly plain: number;
  readonly failed: number;
}

/** A sequence with how many traces it stands for. */
export interface WeightedSequence {
  readonly sequence: EventSequence;
  readonly weight: number;
}

/** The representatives that a network knows, as numbers. */
export class Vocabulary {
  /** Keys of the representatives, those of failed events marked. */
  readonly keys: readonly string[];
  /** There were more representatives than the vocabulary has places: an unknown one is `OTHER`. */
  readonly overflowed: boolean;
  readonly #tokens: ReadonlyMap<string, number>;

  constructor(keys: readonly string[], overflowed: boolean) {
    this.keys = keys;
    this.overflowed = overflowed;
    this.#tokens = new Map(keys.map((key, index) => [key, SPECIAL + index]));
  }

  /** The most frequent `most` representatives. */
  static of(sequences: readonly WeightedSequence[], most: number): Vocabulary {
    const counts = new Map<string, number>();
    for (const { sequence, weight } of sequences) {
      for (const event of sequence.events) {
        const key = keyOf(event, event.failed);
        counts.set(key, (counts.get(key) ?? 0) + weight);
      }
    }
    const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([key]) => key);
    return new Vocabulary(sorted.slice(0, most), sorted.length > most);
  }

  get size(): number {
    return SPECIAL + this.keys.length;
  }

  tokensOf(event: TraceEvent): EventTokens {
    const unknown = this.overflowed ? OTHER : PADDING;
    const failed = this.#tokens.get(keyOf(event, true)) ?? PADDING;
    const plain = this.#tokens.get(keyOf(event, false)) ?? (failed === PADDING ? unknown : PADDING);
    const known = [event.failed ? failed : plain, plain, failed].find((token) => token !== PADDING);
    return { input: known ?? OTHER, plain, failed };
  }

  /** The key of the representative that a token stands for; undefined for one that is no event. */
  representativeOf(token: number): string | undefined {
    const key = this.keys[token - SPECIAL];
    return key?.startsWith(FAILED_MARK) === true ? key.slice(FAILED_MARK.length) : key;
  }
}

function keyOf({ representative: { key } }: TraceEvent, failed: boolean): string {
  return failed ? FAILED_MARK + key : key;
}
