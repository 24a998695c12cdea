import { z } from 'zod';
import { decodeWeights, LearnedFileError, parseLearned, renderLearned } from '../learned-file.ts';
import { DEVIATION_KINDS } from './deviations/deviations.ts';
import { durationsSchema } from './deviations/durations.ts';
import type { TraceSequenceSettings } from './settings.ts';
import { structureSchema } from './deviations/structure.ts';
import { layoutSize } from '../../network/parameters.ts';
import { eventLayout } from './prediction/network.ts';

const NAME = 'trace_sequence';

/** What is learned of one service. */
const serviceModelSchema = z.strictObject({
  /** By kind, share of its fault-free traces that deviate. */
  shares: z.record(z.enum(DEVIATION_KINDS), z.number().positive().lt(1)),
  /** Largest surplus, in standard deviations, that fault-free time keeps. */
  threshold: z.number().positive(),
  /** Fault-free traces that both rest on. */
  traces: z.number().nonnegative(),
});
export type ServiceModel = z.output<typeof serviceModelSchema>;

const positive = z.int().positive();

const modelSchema = z.strictObject({
  /** Of the settings that made the events. */
  events: z.string(),
  vocabulary: z.array(z.string()),
  overflowed: z.boolean(),
  shape: z.strictObject({ tokens: positive, embedding: positive, hidden: positive, segment: positive }),
  overlap: z.int().nonnegative(),
  /** By `encodeWeights`. */
  weights: z.base64(),
  structure: structureSchema,
  durations: durationsSchema,
  /** By the key of the service. */
  services: z.record(z.string(), serviceModelSchema),
});
export type TraceSequenceModel = z.output<typeof modelSchema>;

/** Sequences of other settings than these are other events. */
export function eventsOf({ order, patterns }: Pick<TraceSequenceSettings, 'order' | 'patterns'>): string {
  return JSON.stringify({ order, patterns });
}

export function renderModel(model: TraceSequenceModel): Uint8Array {
  return renderLearned(NAME, model);
}

/** @throws LearnedFileError when it is damaged or of other settings */
export function parseModel(bytes: Uint8Array, settings: TraceSequenceSettings): TraceSequenceModel {
  const model = parseLearned(NAME, bytes, modelSchema);
  if (model.events !== eventsOf(settings)) throw new LearnedFileError('it was learned with other order or patterns');
  weightsOf(model);
  return model;
}

/** @throws LearnedFileError if they are not those of its network */
export function weightsOf({ weights, shape }: Pick<TraceSequenceModel, 'weights' | 'shape'>): Float32Array {
  return decodeWeights(weights, layoutSize(eventLayout(shape)));
}
