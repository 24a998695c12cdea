import { accessSync, constants, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { configError, durationSchema, formatDuration, readConfigFile } from '../daemon/config-file.ts';
import { renderFile } from '../daemon/secrets/redact.ts';
import { expectedSchema, expressionsSchema } from './announced/settings.ts';
import { type DetectorSettings, detectorsSchema } from './detectors/settings.ts';
import { openEndpoints, prometheusSchema, remoteWriteSchema } from './endpoints.ts';
import { identitySchema } from './identity/identity.ts';
import { hostOrdinal, type ShardPlace, WHOLE_FLEET } from './identity/shard.ts';
import { externalLabelsSchema } from './output/external-labels.ts';
import { readMatchers } from './prometheus/selector.ts';
import { goneSchema } from './scoring/gone/settings.ts';
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
  learning: {
    minimum: 15 * MINUTE,
    history: 24 * HOUR,
    every: 24 * HOUR,
    retrain: 30 * 24 * HOUR,
    seasons: [24 * HOUR, 7 * 24 * HOUR],
  },
  stateDir: 'lorikeet-state',
} as const;

/** Named as in Alertmanager's routes and remote read's `required_matchers`, and written as in PromQL. */
const MATCHERS = 'expected label matchers such as {cluster="a"}';

const matchersSchema = z
  .string(MATCHERS)
  .transform((text, context) => {
    const matchers = readMatchers(text);
    if (matchers !== undefined) return matchers;
    context.addIssue({ code: 'custom', message: MATCHERS, input: text });
    return z.NEVER;
  })
  .optional()
  .transform((matchers = '') => matchers);

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
  prometheus: prometheusSchema.safeExtend({ matchers: matchersSchema }),
  identity: identitySchema,
  external_labels: externalLabelsSchema,
  output: z.enum(['remote_write', 'metrics'], 'expected remote_write or metrics').default('remote_write'),
  remote_write: remoteWriteSchema.optional(),
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
  features_file: z.string('expected a path').min(1, 'expected a path').optional(),
  base_model: z.string('expected the path of an .onnx file').optional(),
  shard: shardSchema.default(WHOLE_FLEET),
  traces: tracesSchema.optional(),
  maintenance: expressionsSchema,
  expected: expectedSchema,
  gone: goneSchema,
  state_dir: z.string('expected a path').min(1, 'expected a path').default(SCORER_DEFAULTS.stateDir),
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
  })
  .refine(({ learning }) => learning.minimum <= learning.history, {
    path: ['learning', 'minimum'],
    message: 'expected at most learning.history, or no service would ever have enough of it',
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
  const resolved: ScorerConfig = {
    ...config,
    ...openEndpoints(path, config),
    state_dir: resolve(directory, config.state_dir),
    detectors: resolvePatternFile(config.detectors, directory),
    ...(config.features_file === undefined ? {} : { features_file: resolve(directory, config.features_file) }),
    ...(config.base_model === undefined ? {} : { base_model: resolve(directory, config.base_model) }),
  };
  checkPaths(path, resolved);
  return resolved;
}

/** @throws ConfigError for a file that is missing, and for a state_dir that is a file */
function checkPaths(path: string, config: ScorerConfig): void {
  const problems: string[] = [];
  const files = {
    base_model: config.base_model,
    'detectors.pattern.examples_file': config.detectors.pattern?.examples_file,
  };
  for (const [key, file] of Object.entries(files)) {
    if (file !== undefined && !isReadableFile(file))
      problems.push(`${renderFile(path)}: ${key}: expected a file, got ${renderFile(file)}`);
  }
  if (!mayBeDirectory(config.state_dir))
    problems.push(`${renderFile(path)}: state_dir: expected a directory, got ${renderFile(config.state_dir)}`);
  if (problems.length > 0) throw configError(problems);
}

/** False for a file, and for a path below a file. A directory that is missing is created. */
function mayBeDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() !== false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOTDIR';
  }
}

function isReadableFile(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function resolvePatternFile(detectors: DetectorSettings, directory: string): DetectorSettings {
  const { pattern } = detectors;
  if (pattern?.examples_file === undefined) return detectors;
  return { ...detectors, pattern: { ...pattern, examples_file: resolve(directory, pattern.examples_file) } };
}
