import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { durationSchema, formatDuration, readConfigFile, urlSchema } from '../daemon/config-file.ts';
import { httpClientSchema } from '../daemon/http-client/client.ts';
import { resolveHttpClientFiles } from '../daemon/http-client/settings.ts';
import { type DetectorSettings, detectorsSchema } from './detectors/settings.ts';
import { hostOrdinal, type ShardPlace, WHOLE_FLEET } from './identity/shard.ts';
import { DEFAULT_LAGS } from './tensor/tensor.ts';
import { DEFAULT_DELAY_SHARE, MAX_DELAY_MS } from './timing/feature-delay.ts';
import { tracesSchema } from './traces/config.ts';

const MINUTE = 60_000;
const MIN_INTERVAL = 1000;
const HOUR = 60 * MINUTE;

/** Defaults, durations in milliseconds. */
export const SCORER_DEFAULTS = {
  interval: MINUTE,
  /** Share of the interval to wait until rules are evaluated and samples ingested, until more is known to be needed. */
  delayShare: DEFAULT_DELAY_SHARE,
  timeout: 30_000,
  retryAge: 10 * MINUTE,
  maxSamplesPerSend: 2000,
  learning: {
    minimum: 15 * MINUTE,
    history: 24 * HOUR,
    every: 24 * HOUR,
    retrain: 30 * 24 * HOUR,
    seasons: [24 * HOUR, 7 * 24 * HOUR],
  },
  stateDir: 'lorikeet-state',
} as const;

const endpointSchema = httpClientSchema.safeExtend({
  url: urlSchema,
  timeout: durationSchema.default(SCORER_DEFAULTS.timeout),
});

const shardSchema = z
  .strictObject({
    index: z
      .union([z.literal('ordinal'), z.int().nonnegative()], 'expected a number of 0 or more, or ordinal')
      .default('ordinal'),
    count: z.int('expected a whole number').positive('expected 1 or more'),
  })
  .transform(({ index, count }, context): ShardPlace => {
    const place = index === 'ordinal' ? hostOrdinal(hostname()) : index;
    if (place !== undefined && place < count) return { index: place, count };
    const expected = place === undefined ? 'a host name that ends in a number, such as scorer-0' : `less than ${count}`;
    const got = index === 'ordinal' ? `the host name "${hostname()}"` : index;
    context.addIssue({ code: 'custom', path: ['index'], message: `expected ${expected}, got ${got}` });
    return z.NEVER;
  });

/** The schema of scorer.yaml. */
export const scorerKeys = z.strictObject({
  prometheus: endpointSchema,
  output: z.enum(['remote_write', 'metrics'], 'expected remote_write or metrics').default('remote_write'),
  remote_write: endpointSchema
    .safeExtend({
      retry_age: durationSchema.default(SCORER_DEFAULTS.retryAge),
      max_samples_per_send: z.int('expected a whole number').positive().default(SCORER_DEFAULTS.maxSamplesPerSend),
    })
    .optional(),
  interval: durationSchema
    .refine((interval) => interval >= MIN_INTERVAL && interval <= SCORER_DEFAULTS.interval, {
      message: 'expected 1s to 1m: the alerts wait 90s for a second score above 1',
    })
    .default(SCORER_DEFAULTS.interval),
  delay: durationSchema
    .refine((delay) => delay <= MAX_DELAY_MS, {
      message: `expected ${formatDuration(MAX_DELAY_MS)} or less: Prometheus finds scores for 5m only`,
    })
    .optional(),
  steps: z
    .array(z.int('expected a whole number').nonnegative('expected 0 or more'))
    .min(2, 'expected at least two steps')
    .refine((steps) => steps[0] === 0 && steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0)), {
      message: 'expected ascending whole numbers from 0',
    })
    .default([...DEFAULT_LAGS]),
  detectors: detectorsSchema,
  features_file: z.string('expected a path').optional(),
  base_model: z.string('expected the path of an .onnx file').optional(),
  shard: shardSchema.default(WHOLE_FLEET),
  traces: tracesSchema.optional(),
  maintenance: z.array(z.string('expected a PromQL expression').min(1, 'expected a PromQL expression')).default([]),
  state_dir: z.string('expected a path').default(SCORER_DEFAULTS.stateDir),
  learning: z
    .strictObject({
      minimum: durationSchema.default(SCORER_DEFAULTS.learning.minimum),
      history: durationSchema.default(SCORER_DEFAULTS.learning.history),
      every: durationSchema.default(SCORER_DEFAULTS.learning.every),
      retrain: durationSchema.default(SCORER_DEFAULTS.learning.retrain),
      seasons: z.array(durationSchema).default([...SCORER_DEFAULTS.learning.seasons]),
    })
    .prefault({}),
});

const scorerSchema = scorerKeys
  .refine((config) => config.output !== 'remote_write' || config.remote_write !== undefined, {
    path: ['remote_write'],
    message: 'expected a section with url, because output is remote_write',
  })
  .refine((config) => config.detectors.trace_sequence === undefined || config.traces !== undefined, {
    path: ['traces'],
    message: 'expected a section with listen_address, because detectors has trace_sequence',
  });

/** The scorer's configuration: durations in milliseconds, paths absolute. */
export type ScorerConfig = z.output<typeof scorerSchema>;

/**
 * Reads scorer.yaml. Relative paths are resolved against the file's directory.
 *
 * @throws ConfigError naming file, path and expectation.
 */
export function readScorerConfig(path: string): ScorerConfig {
  const config = readConfigFile(path, scorerSchema);
  const directory = dirname(resolve(path));
  const { remote_write: remoteWrite } = config;
  return {
    ...config,
    prometheus: { ...config.prometheus, ...resolveHttpClientFiles(config.prometheus, directory) },
    ...(remoteWrite !== undefined && {
      remote_write: { ...remoteWrite, ...resolveHttpClientFiles(remoteWrite, directory) },
    }),
    state_dir: resolve(directory, config.state_dir),
    detectors: resolvePatternFile(config.detectors, directory),
    ...(config.features_file === undefined ? {} : { features_file: resolve(directory, config.features_file) }),
    ...(config.base_model === undefined ? {} : { base_model: resolve(directory, config.base_model) }),
  };
}

function resolvePatternFile(detectors: DetectorSettings, directory: string): DetectorSettings {
  const { pattern } = detectors;
  if (pattern?.examples_file === undefined) return detectors;
  return { ...detectors, pattern: { ...pattern, examples_file: resolve(directory, pattern.examples_file) } };
}
