import { describe, expect, it } from 'vitest';
import { initialValues } from '../../../network/parameters.ts';
import type { EventSequence, TraceEvent } from '../events/events.ts';
import { eventLayout } from './network.ts';
import { Predictor } from './predictor.ts';
import { segmentsOf, traceTokens } from './segments.ts';
import { END, OTHER, PADDING, START, Vocabulary } from './vocabulary.ts';

function event(key: string, failed = false): TraceEvent {
  const representative = { key, source: undefined, destination: 'a' };
  return { representative, parent: -1, failed, entry: true, traced: true, ownMs: 1, wayMs: NaN };
}

const sequence = (length: number): EventSequence => ({
  atMs: 0,
  events: Array.from({ length }, (_, index) => event(`e${index % 3}`)),
});

describe('Vocabulary', () => {
  const sequences = [{ weight: 1, sequence: { atMs: 0, events: ['a', 'a', 'b', 'c'].map((key) => event(key)) } }];

  it('numbers the most frequent events', () => {
    const vocabulary = Vocabulary.of(sequences, 2);
    expect(vocabulary.keys).toEqual(['a', 'b']);
    expect(vocabulary.tokensOf(event('b'))).toEqual({ input: 5, plain: 5, failed: PADDING });
    expect(vocabulary.tokensOf(event('c'))).toEqual({ input: OTHER, plain: OTHER, failed: PADDING });
  });

  it('expects nothing unknown where all events have a place', () => {
    const vocabulary = Vocabulary.of(sequences, 3);
    expect(vocabulary.tokensOf(event('d'))).toEqual({ input: OTHER, plain: PADDING, failed: PADDING });
  });

  it('reads an unknown failure of a known event as the event', () => {
    const vocabulary = Vocabulary.of(sequences, 3);
    expect(vocabulary.tokensOf(event('a', true))).toEqual({ input: 4, plain: 4, failed: PADDING });
  });
});

describe('segments', () => {
  const vocabulary = new Vocabulary(['e0', 'e1', 'e2'], false);

  it('go from START to END', () => {
    const inputs = traceTokens(vocabulary, sequence(2)).map(({ input }) => input);
    expect(inputs).toEqual([START, 4, 5, END]);
  });

  it.each([
    [1, 8, 3],
    [7, 8, 3],
    [8, 8, 3],
    [9, 8, 3],
    [12, 8, 3],
    [13, 8, 3],
    [500, 8, 7],
    [500, 8, 0],
  ])('predict each of %s events and the end once, segments of %s that share %s', (events, segment, overlap) => {
    const predicted = segmentsOf(traceTokens(vocabulary, sequence(events)), { segment, overlap }).flatMap((of) => {
      expect(of.tokens.length - 1).toBeLessThanOrEqual(segment);
      return Array.from({ length: of.tokens.length - 1 - of.context }, (_, place) => of.from + of.context + place);
    });
    expect(predicted).toEqual(Array.from({ length: events + 1 }, (_, place) => place));
  });
});

describe('Predictor', () => {
  it('has an expectation for each event and the end of short and long traces', async () => {
    const vocabulary = new Vocabulary(['e0', 'e1', 'e2'], false);
    const shape = { tokens: vocabulary.size, embedding: 4, hidden: 5, segment: 6 };
    const lengths = { segment: 6, overlap: 2 };
    const predictor = await Predictor.open(vocabulary, shape, lengths, initialValues(eventLayout(shape), 1), 5);
    const found = await predictor.expectations([sequence(1), sequence(40), sequence(1)]);
    expect(found.map(({ length }) => length)).toEqual([2, 41, 2]);
    for (const { probability, failure, candidates } of found[1]!) {
      expect(probability).toBeGreaterThan(0);
      expect(failure).toBe(0);
      expect(candidates.find((of) => Math.abs(of.probability - probability) < 1e-6)).toBeDefined();
    }
    expect(found[0]).toBe(found[2]);
    expect(await predictor.expectations([])).toEqual([]);
    await predictor.close();
  });
});
