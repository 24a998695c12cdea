import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { checkConfig, durationSchema, formatDuration, parseConfig, readConfigFile } from '../../daemon/config-file.ts';

/** Names of the three windows, from the shortest (red) to the longest (blue). */
export const CHANNELS = ['red', 'green', 'blue'] as const;
export type Channel = (typeof CHANNELS)[number];

export const SCALES = ['log', 'linear', 'ratio'] as const;
/** Comparison of a feature's values: `log` by ratio, `linear` by difference, `ratio` as shares in 0..1. */
export type Scale = (typeof SCALES)[number];

export const SIGNALS = ['traffic', 'latency', 'errors', 'saturation'] as const;
/** The four golden signals. */
export type Signal = (typeof SIGNALS)[number];

export const UNITS = ['none', 'seconds', 'bytes', 'ratio', 'per_second', 'bytes_per_second'] as const;
/** The unit of a feature's values, for alerts, dashboards and pages. */
export type Unit = (typeof UNITS)[number];

export const SERVICE_SERIES = 'service:lorikeet_feature:window';
export const EDGE_SERIES = 'edge:lorikeet_feature:window';
export const POD_SERIES = 'pod:lorikeet_feature:window';
export const ENDPOINT_SERIES = 'endpoint:lorikeet_feature:window';
/** The version that each pod runs, as a label. */
export const VERSION_SERIES = 'pod:lorikeet_version:info';
/** 1 for each feature of services; its unit is a label. */
export const UNIT_SERIES = 'feature:lorikeet_feature:unit';

const WINDOW = '$window';

const featureSchema = z.strictObject({
  name: z.string().regex(/^[a-z_][a-z0-9_]*$/, 'expected a name of lower-case letters, digits and _'),
  expr: z.string().refine((expr) => expr.includes(WINDOW), `expected a PromQL expression with ${WINDOW}`),
  scale: z.enum(SCALES, `expected one of ${SCALES.join(', ')}`),
  signal: z.enum(SIGNALS, `expected one of ${SIGNALS.join(', ')}`).default('saturation'),
  unit: z.enum(UNITS, `expected one of ${UNITS.join(', ')}`).default('none'),
  floor: z.number().nonnegative('expected a number of 0 or more').default(0),
  failure: z.boolean().default(false),
  load: z.boolean().default(false),
  mean: z.boolean().default(false),
});

const isError = ({ failure, signal }: { readonly failure: boolean; readonly signal: Signal }) =>
  !failure || signal === 'errors';
const IS_NO_ERROR = { path: ['failure'], message: 'expected signal: errors beside failure: true' };

const isLoad = ({ load, scale, signal }: z.output<typeof featureSchema>) =>
  !load || (scale === 'log' && signal === 'traffic');
const IS_NO_LOAD = { path: ['load'], message: 'expected scale: log and signal: traffic beside load: true' };

const isMean = ({ mean, unit, signal }: z.output<typeof featureSchema>) =>
  !mean || (signal === 'latency' && unit === 'seconds');
const IS_NO_MEAN = { path: ['mean'], message: 'expected signal: latency and unit: seconds beside mean: true' };

const callFeatureSchema = featureSchema
  .refine(isError, IS_NO_ERROR)
  .refine(isLoad, IS_NO_LOAD)
  .refine(isMean, IS_NO_MEAN);
const instanceFeatureSchema = featureSchema.omit({ load: true, mean: true });

const uniqueNames = (features: readonly { readonly name: string }[]) =>
  new Set(features.map((feature) => feature.name)).size === features.length;

const callFeaturesSchema = z
  .array(callFeatureSchema)
  .refine(uniqueNames, 'expected unique names')
  .refine((features) => atMostOne(features, 'load'), 'expected load: true for one feature at most')
  .refine((features) => atMostOne(features, 'mean'), 'expected mean: true for one feature at most');

function atMostOne(features: readonly z.output<typeof featureSchema>[], key: 'load' | 'mean'): boolean {
  return features.filter((feature) => feature[key]).length <= 1;
}

const expressionSchema = z.string('expected a PromQL expression').min(1, 'expected a PromQL expression');

const featureSetSchema = z.strictObject({
  windows: z
    .array(durationSchema)
    .length(3, 'expected three windows')
    .refine((windows) => windows.every((window, i) => i === 0 || window > (windows[i - 1] ?? 0)), {
      message: 'expected windows from the shortest to the longest',
    }),
  features: callFeaturesSchema.min(1, 'expected at least one feature'),
  edges: callFeaturesSchema.default([]),
  pods: z.array(instanceFeatureSchema).refine(uniqueNames, 'expected unique names').default([]),
  endpoints: z.array(instanceFeatureSchema).refine(uniqueNames, 'expected unique names').default([]),
  versions: expressionSchema.optional(),
  changes: expressionSchema.optional(),
});

const extensionSchema = z.looseObject({ extends: z.string() });

export interface Feature {
  readonly name: string;
  /** PromQL; `$window` stands for a window. */
  readonly expr: string;
  readonly scale: Scale;
  readonly signal: Signal;
  readonly unit: Unit;
  /** Values up to this, in the feature's unit, count as nothing: none of them differs from another. */
  readonly floor: number;
  /** True for a service's load: what follows the load is no error. Of edges, for the calls per second. */
  readonly load?: boolean | undefined;
  /** True for the mean time of a request or call: with the load it says how long others wait, and for whom. */
  readonly mean?: boolean | undefined;
  /** True for failures: of a service's features, they never become normal by lasting. */
  readonly failure?: boolean | undefined;
}

export interface EdgeFeature extends Feature {
  /**
   * True for failed calls: an increase is evidence against the callee. Of other errors, any change is, with less
   * weight.
   */
  readonly failure: boolean;
}

export interface FeatureSet {
  /** Milliseconds, from the shortest (red) to the longest (blue). */
  readonly windows: readonly number[];
  readonly features: readonly Feature[];
  readonly edges: readonly EdgeFeature[];
  readonly pods: readonly Feature[];
  readonly endpoints: readonly Feature[];
  /** PromQL that returns {namespace, pod, version}. */
  readonly versions?: string | undefined;
  /** PromQL that returns {namespace, service, change, version}: what else may be changed, as it is now. */
  readonly changes?: string | undefined;
}

/**
 * Reads a features file, which may add its lists to those of the file that `extends` names, absolute or relative to itself.
 *
 * @throws ConfigError naming file, path and expectation.
 */
export function readFeatures(path: string): FeatureSet {
  const own = readConfigFile(path, z.unknown());
  const { extends: base, ...rest } = extensionSchema.safeParse(own).data ?? {};
  if (base === undefined) return checkConfig(path, own, featureSetSchema);
  const file = isAbsolute(base) ? base : join(dirname(path), base);
  const extended = readConfigFile(file, z.record(z.string(), z.unknown()));
  const merged = new Map(Object.entries(extended));
  for (const [key, value] of Object.entries(rest)) {
    const before = merged.get(key);
    // A list adds to the one before; windows are one value, which replaces it.
    merged.set(key, key !== 'windows' && Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value);
  }
  return checkConfig(path, Object.fromEntries(merged), featureSetSchema);
}

/** Like `readFeatures`, for text already read; `name` is the file's name in errors. */
export function parseFeatures(name: string, text: string): FeatureSet {
  return parseConfig(name, text, featureSetSchema);
}

/** A feature's expression for one window, on one line. */
export function expandExpression(feature: Feature, windowMs: number): string {
  return oneLine(feature.expr.replaceAll(WINDOW, formatDuration(windowMs)));
}

/** An expression without its line breaks. */
export function oneLine(expr: string): string {
  return expr.replaceAll(/\s*\n\s*/g, ' ').trim();
}
