import { z } from 'zod';
import { EVENT_ORDERS } from './events/events.ts';

const count = (fallback: number) => z.int('expected a whole number').positive('expected 1 or more').default(fallback);
const positive = (fallback: number) => z.number('expected a number').positive('expected more than 0').default(fallback);

function isExpression(pattern: string): boolean {
  try {
    return new RegExp(pattern).source !== '';
  } catch {
    return false;
  }
}

const patternSchema = z.strictObject({
  pattern: z.string('expected a regular expression').min(1).refine(isExpression, 'expected a regular expression'),
  replacement: z.string('expected a text'),
});

/** `detectors.trace_sequence` of scorer.yaml; docs/detectors.md says which defaults are ours. */
export const traceSequenceKeys = {
  /** Patterns of operations, before those for ids. */
  patterns: z.array(patternSchema).default([]),
  order: z.enum(EVENT_ORDERS, `expected one of ${EVENT_ORDERS.join(', ')}`).default('tree'),
  vocabulary: count(2000),
  embedding: count(32),
  hidden: count(64),
  segment: count(64),
  overlap: count(16),
  learning_rate: positive(0.003),
  epochs: count(40),
  patience: count(4),
  batch: count(32),
  judge: z.enum(['candidates', 'probability'], 'expected candidates or probability').default('probability'),
  candidates: count(5),
  min_probability: z.number('expected a number').gt(0).lt(1).default(0.003),
  /** Standard deviations of a duration's logarithm above the usual. */
  slow: positive(3),
  /** Share of its traces in which a service may deviate, however rarely it did before. */
  min_share: z.number('expected a number').gt(0).lt(1).default(0.01),
  /** The same for its durations: a busy node or a pause of a runtime makes many requests slow at once, by chance. */
  min_slow_share: z.number('expected a number').gt(0).lt(1).default(0.1),
  /** Traces of a cycle that are judged, evenly chosen where there are more. */
  max_traces: count(2000),
} as const;

/** Takes every default where the section is empty. */
export const traceSequenceSchema = z
  .strictObject(traceSequenceKeys)
  .refine(({ overlap, segment }) => overlap < segment, {
    path: ['overlap'],
    message: 'expected less than segment',
  });

export type TraceSequenceSettings = z.output<typeof traceSequenceSchema>;

/** The settings with a default for each that is left out. */
export function traceSequenceSettings(given: Partial<TraceSequenceSettings> = {}): TraceSequenceSettings {
  return traceSequenceSchema.parse(given);
}
