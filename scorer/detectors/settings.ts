import { z } from 'zod';
import { traceSequenceSchema } from './trace-sequence/settings.ts';
import { THRESHOLD_METHODS } from './sequence/threshold.ts';

/** The detectors that a configuration may name. `agreement` is what several of them say together. */
export const DETECTOR_NAMES = [
  'autoencoder',
  'gru_vae',
  'lstm_autoencoder',
  'instance_outlier',
  'trace_sequence',
  'agreement',
] as const;
export type DetectorName = (typeof DETECTOR_NAMES)[number];

/** `name:` with nothing behind it takes every default. */
const section = <T extends z.ZodRawShape>(shape: T) =>
  z.preprocess((value) => value ?? {}, z.strictObject(shape)).optional();

const count = (fallback: number) => z.int('expected a whole number').positive('expected 1 or more').default(fallback);
const share = (fallback: number) =>
  z.number('expected a number').gt(0, 'expected more than 0').lt(1, 'expected less than 1').default(fallback);
const choice = <const T extends readonly [string, ...string[]]>(choices: T, fallback: T[number]) =>
  z.enum(choices, `expected one of ${choices.join(', ')}`).default(fallback as never);
const feature = (fallback: string) => z.string('expected the name of a feature').default(fallback);

/**
 * Every number of Nedelkoski, Cardoso and Kao (CLOUD 2019) is a setting. Smoothing (12), error (window), threshold (gaussian)
 * and tolerance (32) aren't the paper's: docs/detectors.md says by how much these are better.
 */
export const gruVaeKeys = {
  /** Whose response times are read, and from which feature of theirs. */
  subjects: z
    .strictObject({
      service: feature('request_latency'),
      edge: feature('request_latency'),
      endpoint: feature('request_latency'),
    })
    .partial()
    .default({ service: 'request_latency', edge: 'request_latency', endpoint: 'request_latency' }),
  window: count(32),
  smoothing: count(1),
  values: choice(['linear', 'log'], 'linear'),
  hidden: count(16),
  latent: count(8),
  learning_rate: z.number().positive().default(0.001),
  epochs: count(1000),
  patience: count(20),
  batch: count(64),
  validation_share: share(0.2),
  error: choice(['window', 'newest'], 'newest'),
  threshold: choice(THRESHOLD_METHODS, 'tail'),
  confidence: share(0.99),
  tolerance: count(1),
  tolerance_threshold: z.number().positive().max(1, 'expected at most 1').default(0.99),
} as const;

/** The eight metrics of de Silva et al., under the names of the features by pod. */
export const CONTAINER_FEATURES = [
  'cpu_cores',
  'memory_bytes',
  'syscall_rate',
  'mmap_rate',
  'page_fault_rate',
  'block_request_rate',
  'file_open_rate',
  'process_event_rate',
] as const;

export const lstmAutoencoderKeys = {
  features: z
    .array(z.string())
    .min(1, 'expected the name of a feature')
    .default([...CONTAINER_FEATURES]),
  window: count(10),
  smoothing: count(1),
  values: choice(['linear', 'log'], 'linear'),
  hidden: count(32),
  learning_rate: z.number().positive().default(0.001),
  epochs: count(100),
  patience: count(10),
  batch: count(64),
  validation_share: share(0.2),
  error: choice(['window', 'newest'], 'window'),
  threshold: choice(THRESHOLD_METHODS, 'percentile'),
  confidence: share(0.997),
  tolerance: count(1),
  tolerance_threshold: z.number().positive().max(1, 'expected at most 1').default(1),
} as const;

export const instanceOutlierKeys = {
  warm_up: count(3),
} as const;

const agreementSchema = z.strictObject({
  of: z.array(z.enum(DETECTOR_NAMES, `expected one of ${DETECTOR_NAMES.join(', ')}`)).min(2, 'expected two detectors'),
  at_least: z.int('expected a whole number').min(2, 'expected 2 or more').default(2),
});

/** The shape of an anomaly is named from this probability on. */
export const patternKeys = {
  /** YAML with patterns of one's own, in place of the shipped ones. */
  examples_file: z.string('expected a path').optional(),
  min_probability: share(0.7),
} as const;

/** `detectors:` of scorer.yaml. Without it the autoencoder runs alone. */
export const detectorsSchema = z
  .strictObject({
    autoencoder: section({}),
    gru_vae: section(gruVaeKeys),
    lstm_autoencoder: section(lstmAutoencoderKeys),
    instance_outlier: section(instanceOutlierKeys),
    trace_sequence: z.preprocess((value) => value ?? {}, traceSequenceSchema).optional(),
    agreement: agreementSchema.optional(),
    pattern: section(patternKeys),
  })
  .superRefine((detectors, context) => {
    const named = DETECTOR_NAMES.filter((name) => detectors[name as keyof typeof detectors] !== undefined);
    if (named.filter((name) => name !== 'agreement').length === 0) {
      context.addIssue({ code: 'custom', message: 'expected at least one detector' });
    }
    const { agreement } = detectors;
    for (const [index, name] of (agreement?.of ?? []).entries()) {
      if (name !== 'agreement' && named.includes(name)) continue;
      context.addIssue({
        code: 'custom',
        path: ['agreement', 'of', index],
        message: 'expected a detector of this list',
        input: name,
      });
    }
    if (agreement !== undefined && agreement.at_least > agreement.of.length) {
      context.addIssue({
        code: 'custom',
        path: ['agreement', 'at_least'],
        message: `expected at most ${agreement.of.length}`,
      });
    }
  })
  .default({ autoencoder: {} });

export type DetectorSettings = z.output<typeof detectorsSchema>;
export type GruVaeSettings = NonNullable<DetectorSettings['gru_vae']>;
export type LstmAutoencoderSettings = NonNullable<DetectorSettings['lstm_autoencoder']>;
export type InstanceOutlierSettings = NonNullable<DetectorSettings['instance_outlier']>;
